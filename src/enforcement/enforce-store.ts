import type pg from 'pg';
import type { UserName } from './operator-store.ts';

const isOver = (userId: string) => `
  exists (
    select 1 from quota.subscriptions s join quota.meters m on m.service = s.service
    join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
    where s.user_id = ${userId} and s.limit_enforced_at is null and quota.calls_for_limit(q))`;

const isMissed = (userId: string) => `
  exists (select 1 from quota.subscriptions s where s.user_id = ${userId} and s.limit_enforced_at is not null)
  and quota.has_unlimited(${userId})`;

/** Users over their allowance who are not limited, and limited users with an assistant that is not queued to be. */
export async function selectToLimit(
  client: pg.ClientBase,
  userId: string | null = null,
  limit = 1_000_000,
): Promise<(UserName & { reason: string })[]> {
  const { rows } = await client.query<UserName & { reason: string }>(
    `select u.id, u.external_id as "externalId",
       case when ${isOver('u.id')} then 'over the allowance' else 'an assistant is not limited' end as reason
     from quota.users u
     where ($1::uuid is null or u.id = $1) and (${isOver('u.id')} or ${isMissed('u.id')})
     order by u.external_id
     limit $2`,
    [userId, limit],
  );
  return rows;
}

export async function countToLimit(client: pg.ClientBase, userId: string | null): Promise<number> {
  const { rows } = await client.query<{ users: number }>(
    `select count(*)::integer as users from quota.users u
     where ($1::uuid is null or u.id = $1) and (${isOver('u.id')} or ${isMissed('u.id')})`,
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
