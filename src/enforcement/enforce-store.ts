import type pg from 'pg';
import type { UserName } from './operator-store.ts';

/**
 * Users over their allowance who are not limited, and limited users with an assistant that is not queued to be; $1: one
 * user, or null. By sets: a look for each user took seconds of a hundred thousand.
 */
const toLimit = `
  with exhausted as (
    -- The clock as a value, and fences: rows pass what is cheap one by one, and what is dear is asked of the few left.
    select q as quota, q.user_id, q.meter
    from quota.usage_quotas q
    where q.period_start <= (select quota.now()) and q.period_end > (select quota.now())
      and ($1::uuid is null or q.user_id = $1) and q.on_exceeded = 'limit_assistants'
      and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
    offset 0
  ), unlimited as (
    select e.user_id, e.quota
    from exhausted e
    join quota.meters m on m.key = e.meter
    join quota.subscriptions s on s.user_id = e.user_id and s.service = m.service
    where s.limit_enforced_at is null
    offset 0
  ), over as (
    select distinct u.user_id from unlimited u where quota.calls_for_limit(u.quota)
  ), missed as (
    select distinct s.user_id
    from quota.subscriptions s
    join quota.assistants a on a.user_id = s.user_id
    left join quota.assistant_limits l on l.assistant_id = a.id
    where ($1::uuid is null or s.user_id = $1) and s.limit_enforced_at is not null and quota.is_unlimited(a, l)
  ), users as (
    select user_id, over.user_id is not null as is_over from over full join missed using (user_id)
  )`;

export async function selectToLimit(
  client: pg.ClientBase,
  userId: string | null = null,
  limit = 1_000_000,
): Promise<(UserName & { reason: string })[]> {
  const { rows } = await client.query<UserName & { reason: string }>(
    `${toLimit}
     select u.id, u.external_id as "externalId",
       case when l.is_over then 'over the allowance' else 'an assistant is not limited' end as reason
     from users l join quota.users u on u.id = l.user_id
     order by u.external_id
     limit $2`,
    [userId, limit],
  );
  return rows;
}

export async function countToLimit(client: pg.ClientBase, userId: string | null): Promise<number> {
  const { rows } = await client.query<{ users: number }>(
    `${toLimit} select count(*)::integer as users from users`,
    [userId],
  );
  return rows[0]?.users ?? 0;
}

export interface EnforceRequest {
  batchSize: number;
  userId?: string | null | undefined;
  jobRun?: string | undefined;
  /** For the audit log. */
  reason?: string | undefined;
}

/** One batch, a transaction: limits users who are over their allowance; when there are none, queues what was missed. */
export async function enforceBatch(
  client: pg.ClientBase,
  { batchSize, userId, jobRun, reason }: EnforceRequest,
): Promise<number> {
  const { rows } = await client.query<{ users: number }>(
    `select cardinality(users) as users
     from quota.enforce_limits($1, $2, $3, coalesce($4, 'over the allowance'))`,
    [batchSize, jobRun ?? null, userId ?? null, reason ?? null],
  );
  const limited = rows[0]?.users ?? 0;
  if (limited > 0) {
    return limited;
  }
  const missed = await client.query<{ users: number }>(`select users from quota.queue_unlimited($1, $2)`, [
    batchSize,
    userId ?? null,
  ]);
  return missed.rows[0]?.users ?? 0;
}
