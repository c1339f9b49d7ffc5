import type pg from 'pg';
import type { JobBatch, JobBatchRequest, JobScope } from '../jobs/job.ts';

/** Calls without a lease count as stuck after so long: no provider's call lasts a day. */
export interface ReapOptions {
  idleSeconds: number;
}

const stale = `
  select 'session' as kind, coalesce(c.call_log_id::text, c.id::text) as subject, c.user_id, c.expires_at as since
  from quota.concurrent_processing c
  where ($1::uuid is null or c.user_id = $1)
    and (c.expires_at <= quota.now() or (c.user_id, c.id) in (select w.user_id, w.id from quota.wrong_leases($1) w))
  union all
  select 'call', l.id::text, l.user_id, l.started_at from quota.idle_calls(make_interval(secs => $2), $1) l
  union all
  select 'grant', g.service, g.user_id, null from quota.stale_grants($1) g
  union all
  select 'run', r.job, null, r.started_at from quota.dead_runs() r where $1::uuid is null`;

export async function countStale(
  client: pg.ClientBase,
  { userId }: JobScope,
  { idleSeconds }: ReapOptions,
): Promise<number> {
  const { rows } = await client.query<{ due: number }>(`select count(*)::integer as due from (${stale}) s`, [
    userId,
    idleSeconds,
  ]);
  return rows[0]?.due ?? 0;
}

/** The longest stuck first. */
export async function selectStale(
  client: pg.ClientBase,
  { userId }: JobScope,
  { idleSeconds }: ReapOptions,
  limit: number,
): Promise<Record<string, unknown>[]> {
  const { rows } = await client.query<{ since: Date | null }>(
    `select s.kind, s.subject, u.external_id as "externalId", s.since
     from (${stale}) s left join quota.users u on u.id = s.user_id
     order by s.since nulls last, s.kind, s.subject limit $3`,
    [userId, idleSeconds, limit],
  );
  return rows.map((row) => ({ ...row, since: row.since?.toISOString() ?? null }));
}

/** Ends up to `size` of each kind, one statement and transaction per kind. */
export async function reapBatch(
  client: pg.ClientBase,
  { runId, size, userId }: JobBatchRequest,
  { idleSeconds }: ReapOptions,
): Promise<JobBatch> {
  const reap = async (call: string, values: unknown[]) =>
    (await client.query<{ reaped: number }>(`select ${call} as reaped`, values)).rows[0]?.reaped ?? 0;
  const sessions = await reap('quota.reap_sessions($1, $2, $3)', [size, runId, userId]);
  const calls = await reap('quota.reap_calls($1, $2, make_interval(secs => $3), $4)', [
    size,
    runId,
    idleSeconds,
    userId,
  ]);
  const grants = await reap('quota.reap_grants($1, $2)', [size, userId]);
  const runs = userId === null ? await abandonRuns(client) : 0;
  return { done: sessions + calls + grants + runs, counts: { sessions, calls, grants, runs } };
}

/** So that they are not looked at again: of up to so many users' meters. Returns how many grants. */
export async function noteSettledGrants(
  client: pg.ClientBase,
  size: number,
  userId: string | null,
): Promise<number> {
  const { rows } = await client.query<{ noted: number }>(
    'select quota.note_settled_grants($1, $2) as noted',
    [size, userId],
  );
  return rows[0]?.noted ?? 0;
}

async function abandonRuns(client: pg.ClientBase): Promise<number> {
  const { rowCount } = await client.query(
    `update quota.job_runs r set status = 'abandoned', error = 'its process ended without a word'
     where r.status = 'running' and r.id in (select d.id from quota.dead_runs() d)`,
  );
  return rowCount ?? 0;
}
