import type pg from 'pg';
import type { Fields } from './assistant-state.ts';
import type { Desired } from './limit-task.ts';

export interface UserName {
  id: string;
  externalId: string;
}

/** Limits users by hand. */
export async function limitUsers(
  client: pg.ClientBase,
  userIds: readonly string[],
  reason: string | undefined,
): Promise<void> {
  await client.query(`select quota.limit_users($1, $2)`, [userIds, reason ?? null]);
}

/** Lifts the limits of users by hand. */
export async function liftLimits(
  client: pg.ClientBase,
  userIds: readonly string[],
  reason: string | undefined,
): Promise<void> {
  await client.query(`select quota.lift_limits($1, $2)`, [userIds, reason ?? null]);
}

/** Limits assistants by hand, whatever their users are. */
export async function limitAssistants(
  client: pg.ClientBase,
  assistantIds: readonly string[],
  reason: string | undefined,
): Promise<void> {
  await client.query('select quota.limit_assistants($1, $2)', [assistantIds, reason ?? null]);
}

/** Restores assistants by hand, whatever their users are. */
export async function restoreAssistants(
  client: pg.ClientBase,
  assistantIds: readonly string[],
  reason: string | undefined,
): Promise<void> {
  await client.query('select quota.restore_assistants($1, $2)', [assistantIds, reason ?? null]);
}

/** Which of these users have a limit of any service on them, by id. */
export async function selectLimited(client: pg.ClientBase, userIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string }>(
    `select distinct user_id as id from quota.subscriptions
     where user_id = any ($1) and limit_enforced_at is not null`,
    [userIds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Whether a limit of any service is on each of these users. */
export const areLimited = async (client: pg.ClientBase, userIds: readonly string[]): Promise<boolean> =>
  (await selectLimited(client, userIds)).size === new Set(userIds).size;

/** Users who are not limited, with an assistant that is, or whose restore is queued. */
export async function selectToRestore(client: pg.ClientBase): Promise<UserName[]> {
  const { rows } = await client.query<UserName>(
    `select u.id, u.external_id as "externalId"
     from quota.users u
     where u.id in (
         select l.user_id from quota.assistant_limits l
         where (l.desired = 'limited' and l.status <> 'gone' and not exists (
             select 1 from quota.assistants a where a.id = l.assistant_id and a.held = 'limited')) or (l.desired = 'original' and l.status in ('pending', 'failed')))
       and not exists (select 1 from quota.subscriptions s where s.user_id = u.id and s.limit_enforced_at is not null)
     order by u.external_id`,
  );
  return rows;
}

/** Of the given users, those who are over their allowance: enforce-limits will limit them again. */
export async function selectStillOver(client: pg.ClientBase, userIds: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ user: string }>(
    `select u.external_id as "user" from quota.users u
     where u.id = any ($1) and exists (select 1 from quota.usage_quotas q where q.user_id = u.id and quota.calls_for_limit(q))
     order by 1`,
    [userIds],
  );
  return rows.map(({ user }) => user);
}

export interface StoredOriginal {
  assistantId: string;
  fields: Fields;
  absent: string[];
  capturedAt: Date;
}

/** For each assistant of the users the last original that was captured before an instant. */
export async function selectOriginalsBefore(
  client: pg.ClientBase,
  userIds: readonly string[],
  before: string,
): Promise<StoredOriginal[]> {
  const { rows } = await client.query<StoredOriginal>(
    `select distinct on (o.assistant_id) o.assistant_id as "assistantId", o.fields, o.absent, o.captured_at as "capturedAt"
     from quota.assistant_originals o
     where o.user_id = any ($1) and o.captured_at < $2
     order by o.assistant_id, o.captured_at desc, o.id desc`,
    [userIds, before],
  );
  return rows;
}

/** An original that did not come from a look at the assistant before the limit. */
export interface GivenOriginal {
  assistantId: string;
  fields: Fields;
  /** Limited fields that were not set. */
  absent: readonly string[];
  source: 'provider' | 'operator' | 'file';
  /** Whether it is put back whatever is found. */
  exact: boolean;
  /** What the assistant had instead when it was looked at: the limit of another application; null: not known. */
  made: Fields | null;
  /** What becomes of the assistant now: a user who is limited stays so. */
  desired: Desired;
}

/** Queues the restore of assistants to originals that are given, or a limit that can be restored to them. */
export async function giveOriginals(
  client: pg.ClientBase,
  given: readonly GivenOriginal[],
  reason: string | undefined,
): Promise<void> {
  for (const { assistantId, fields, absent, source, exact, made, desired } of given) {
    await client.query(`select quota.give_original($1, $2, $3, $4, $5, $6, $7, $8)`, [
      assistantId,
      desired,
      fields,
      absent,
      made,
      source,
      exact,
      reason ?? null,
    ]);
  }
}
