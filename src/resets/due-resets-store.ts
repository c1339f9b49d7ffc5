import type pg from 'pg';
import type { JobBatch, JobBatchRequest, JobScope } from '../jobs/job.ts';

/** Which periods a job resets: those that begin at a user's signup day, or those of the calendar. */
export type ResetAnchor = 'signup' | 'calendar';

/** Zones of due subscriptions that the server does not know, told apart once each: "offset 0" keeps it so. */
const unknownZones = `array(
  select z.timezone
  from (select distinct timezone from quota.subscriptions where next_reset_at <= quota.now() offset 0) z
  where not quota.is_known_zone(z.timezone))`;

/** A subscription whose time cannot be reckoned: its zone is not known to this server. */
export interface SetApart {
  externalId: string;
  service: string;
  timezone: string;
  /** The plan whose zone it is; null: it is that of the user. */
  zonedPlan: string | null;
}

/** Subscriptions that are due and that no reset can be worked out for. */
export async function selectSetApart(
  client: pg.ClientBase,
  anchor: ResetAnchor,
  { userId }: JobScope,
): Promise<SetApart[]> {
  const { rows } = await client.query<SetApart>(
    `select u.external_id as "externalId", s.service, s.timezone,
       case when p.timezone is not null then p.key end as "zonedPlan"
     from quota.subscriptions s join quota.users u on u.id = s.user_id join quota.plans p on p.key = s.plan
     where s.plan = any (quota.due_plans($1)) and s.next_reset_at <= quota.now() and ($2::uuid is null or s.user_id = $2)
       and s.timezone = any (${unknownZones})
     order by u.external_id, s.service`,
    [anchor, userId],
  );
  return rows;
}

export interface ResetsAhead {
  subscriptions: number;
  /** ISO 8601 UTC. */
  lastResetAt: string;
}

/**
 * Subscriptions that a run reset whose clock was more than a day ahead: none is due until that instant. They are looked for
 * only where there was such a run, for no index has them.
 */
export async function selectResetsAhead(client: pg.ClientBase): Promise<ResetsAhead | null> {
  const { rows } = await client.query<{ subscriptions: number; last: Date | null }>(
    `select count(*)::integer as subscriptions, max(s.last_reset_at) as last
     from quota.subscriptions s
     where exists (select from quota.job_runs r where r.as_of > quota.now() + interval '1 day')
       and s.last_reset_at > quota.now() + interval '1 day'`,
  );
  const [row] = rows;
  return row === undefined || row.last === null
    ? null
    : { subscriptions: row.subscriptions, lastResetAt: row.last.toISOString() };
}

export async function countDueResets(
  client: pg.ClientBase,
  anchor: ResetAnchor,
  { userId }: JobScope,
): Promise<number> {
  const { rows } = await client.query<{ due: number }>(
    `select count(*)::integer as due from quota.subscriptions
     where plan = any (quota.due_plans($1)) and next_reset_at <= quota.now() and ($2::uuid is null or user_id = $2)
       and timezone <> all (${unknownZones})`,
    [anchor, userId],
  );
  return rows[0]?.due ?? 0;
}

/** The longest due first. */
export async function selectDueResets(
  client: pg.ClientBase,
  anchor: ResetAnchor,
  { userId }: JobScope,
  limit: number,
): Promise<Record<string, unknown>[]> {
  const { rows } = await client.query<{ dueSince: Date }>(
    `select u.external_id as "externalId", s.service, s.plan, s.next_reset_at as "dueSince",
       s.limit_enforced_at is not null as limited
     from quota.subscriptions s join quota.users u on u.id = s.user_id
     where s.plan = any (quota.due_plans($1)) and s.next_reset_at <= quota.now() and ($2::uuid is null or s.user_id = $2)
       and s.timezone <> all (${unknownZones})
     order by s.next_reset_at, u.external_id, s.service
     limit $3`,
    [anchor, userId, limit],
  );
  return rows.map((row) => ({ ...row, dueSince: row.dueSince.toISOString() }));
}

interface ResetCounts {
  reset: number;
  caught_up: number;
  closed: number;
  queued: number;
  last: string | null;
}

/** One batch, one statement: closes, opens, lifts limits, queues restores, audits and advances. */
export async function resetBatch(
  client: pg.ClientBase,
  anchor: ResetAnchor,
  { runId, size, userId, after }: JobBatchRequest,
): Promise<JobBatch> {
  const { rows } = await client.query<ResetCounts>(
    `select reset, caught_up, closed, queued, last::text
     from quota.reset_due($1, $2, $3, $4, $5::quota.reset_position)`,
    [anchor, size, runId, userId, after],
  );
  const { reset = 0, caught_up = 0, closed = 0, queued = 0, last = null } = rows[0] ?? {};
  return {
    done: reset,
    next: last,
    counts: { periodsCaughtUp: caught_up, periodsClosed: closed, assistantsQueued: queued },
  };
}
