import type { Queries } from '../db/serial-queries.ts';
import type { Desired, LimitTask } from './limit-task.ts';

/** Which part of the queue is worked on. */
export interface QueueScope {
  /** Null: everybody's. */
  userIds: readonly string[] | null;
  /** Leave those alone that failed and whose next attempt is not due yet. */
  dueOnly: boolean;
  /** Only those to be limited, or to be restored; undefined: both. */
  desired?: Desired | undefined;
}

/** A task of `assistant_limits l`, its assistant `a` and its user `u`. */
const taskColumns = `
  l.assistant_id as "assistantId", a.provider_assistant_id as "providerAssistantId", a.name,
  l.user_id as "userId", u.external_id as "user", l.desired, l.status, l.change::text as change,
  l.original, l.applied, l.intents, l.made, l.doubtful, a.organisation, l.exact_change is not distinct from l.change as exact,
  quota.limited_state(l.user_id) as "planState"`;

/** Failed work that is not due yet is left out where only due work is wanted; pending work is always due. */
const isQueued = (dueOnly: string, userIds: string, desired: string) => `
  l.status in ('pending', 'failed') and (not ${dueOnly}::boolean or l.status = 'pending' or l.next_attempt_at <= quota.now())
  and (${userIds}::uuid[] is null or l.user_id = any (${userIds}))
  and (${desired}::text is null or l.desired = ${desired})`;

/** What an adopted product has limited by itself has nothing of ours applied: it is left so until it is restored. */
const isApplied = (userIds: string) => `
  l.status = 'applied' and l.desired = 'limited' and l.applied is not null and (${userIds}::uuid[] is null or l.user_id = any (${userIds}))`;

/**
 * Claims the first assistant, in an order, that nobody works on and that this run has not had yet. `$1` is the run, `$2`
 * the length of the claim, what follows is the caller's.
 */
export const claimFirst = (where: string, order: string) =>
  `with next as (
     select l.assistant_id
     from quota.assistant_limits l
     where ${where}
       and l.claimed_by is distinct from $1 and (l.claimed_until is null or l.claimed_until <= clock_timestamp())
     order by ${order}
     limit 1
     for no key update skip locked
   )
   update quota.assistant_limits l
   set claimed_by = $1, claimed_until = clock_timestamp() + make_interval(secs => $2)
   from next, quota.assistants a, quota.users u
   where l.assistant_id = next.assistant_id and a.id = l.assistant_id and u.id = l.user_id
   returning ${taskColumns}`;

/** Claims the next assistant of the queue that nobody works on and that this run has not tried yet. */
export async function claimQueued(
  queries: Queries,
  run: string,
  leaseSeconds: number,
  { userIds, dueOnly, desired }: QueueScope,
): Promise<LimitTask | undefined> {
  const { rows } = await queries.query<LimitTask>(
    claimFirst(isQueued('$3', '$4', '$5'), 'l.next_attempt_at'),
    [run, leaseSeconds, dueOnly, userIds, desired ?? null],
  );
  return rows[0];
}

/** Claims a limited assistant that has not been looked at since this run began. */
export async function claimUnverified(
  queries: Queries,
  run: string,
  leaseSeconds: number,
  { userIds, since }: { userIds: readonly string[] | null; since: string },
): Promise<LimitTask | undefined> {
  const { rows } = await queries.query<LimitTask>(
    claimFirst(`${isApplied('$4')} and (l.verified_at is null or l.verified_at < $3)`, 'l.verified_at'),
    [run, leaseSeconds, since, userIds],
  );
  return rows[0];
}

/** Prolongs the claims of a run; returns the assistants that are still its own. */
export async function renewClaims(queries: Queries, run: string, leaseSeconds: number): Promise<string[]> {
  const { rows } = await queries.query<{ assistantId: string }>(
    `update quota.assistant_limits
     set claimed_until = clock_timestamp() + make_interval(secs => $2)
     where claimed_by = $1 and claimed_until > clock_timestamp()
     returning assistant_id as "assistantId"`,
    [run, leaseSeconds],
  );
  return rows.map(({ assistantId }) => assistantId);
}

/** Gives a claim back as if it had never been made. */
export async function releaseClaim(queries: Queries, run: string, assistantId: string): Promise<void> {
  await queries.query(
    `update quota.assistant_limits set claimed_by = null, claimed_until = null
     where assistant_id = $1 and claimed_by = $2`,
    [assistantId, run],
  );
}

/** Gives a claim back, in such a way that the same run does not make it again. */
export async function setAside(queries: Queries, run: string, assistantId: string): Promise<void> {
  await queries.query(
    `update quota.assistant_limits set claimed_until = null where assistant_id = $1 and claimed_by = $2`,
    [assistantId, run],
  );
}

/** Assistants in the queue; `busy` are those of them that another run is working on. */
export interface QueueCounts {
  pending: number;
  failed: number;
  busy: number;
}

export async function countQueued(
  queries: Queries,
  { userIds, dueOnly, desired }: QueueScope,
): Promise<QueueCounts> {
  const { rows } = await queries.query<QueueCounts>(
    `select count(*) filter (where l.status = 'pending')::integer as pending,
       count(*) filter (where l.status = 'failed')::integer as failed,
       count(*) filter (where l.claimed_until > clock_timestamp())::integer as busy
     from quota.assistant_limits l
     where ${isQueued('$1', '$2', '$3')}`,
    [dueOnly, userIds, desired ?? null],
  );
  return rows[0] ?? { pending: 0, failed: 0, busy: 0 };
}

/** How many assistants are recorded as limited. */
export async function countApplied(queries: Queries, userIds: readonly string[] | null): Promise<number> {
  const { rows } = await queries.query<{ applied: number }>(
    `select count(*)::integer as applied from quota.assistant_limits l where ${isApplied('$1')}`,
    [userIds],
  );
  return rows[0]?.applied ?? 0;
}

/** The queue as it stands, the longest due first: nothing is claimed. */
export async function selectQueued(
  queries: Queries,
  { userIds, dueOnly, desired }: QueueScope,
  limit = 1_000_000,
): Promise<LimitTask[]> {
  const { rows } = await queries.query<LimitTask>(
    `select ${taskColumns}
     from quota.assistant_limits l
     join quota.assistants a on a.id = l.assistant_id
     join quota.users u on u.id = l.user_id
     where ${isQueued('$1', '$2', '$3')}
     order by l.next_attempt_at, l.assistant_id
     limit $4`,
    [dueOnly, userIds, desired ?? null, limit],
  );
  return rows;
}

/** Limited assistants of a scope, for a dry run. */
export async function selectApplied(
  queries: Queries,
  userIds: readonly string[] | null,
): Promise<LimitTask[]> {
  const { rows } = await queries.query<LimitTask>(
    `select ${taskColumns}
     from quota.assistant_limits l
     join quota.assistants a on a.id = l.assistant_id
     join quota.users u on u.id = l.user_id
     where ${isApplied('$1')}
     order by l.verified_at, l.assistant_id`,
    [userIds],
  );
  return rows;
}

/** The real time of the database, or so long before it, for comparison with `verified_at`. */
export async function readRealTime(queries: Queries, secondsAgo: number): Promise<string> {
  const { rows } = await queries.query<{ at: string }>(
    `select (clock_timestamp() - make_interval(secs => $1))::text as at`,
    [secondsAgo],
  );
  return rows[0]?.at ?? '';
}
