import type pg from 'pg';
import type { JobBatch, JobBatchRequest } from '../jobs/job.ts';

/**
 * What may be purged, and how long it is kept by default. Facts never are: calls, adjustments, grants, resets and the
 * audit log stay, for they are what usage is recomputed from, what makes imports repeatable, and what finance defends.
 */
export const retentionDaysDefault = {
  /** Runs of jobs; the last of each job stays. */
  job_runs: 90,
  /** Alerts of closed periods that nobody is to be told any more. */
  usage_alerts: 400,
  /** Metadata and error messages of calls, of closed months and periods. The calls stay. */
  call_details: 400,
} as const;

export type PurgedTable = keyof typeof retentionDaysDefault;
export type RetentionDays = Record<PurgedTable, number>;
const purgedTables = Object.keys(retentionDaysDefault) as PurgedTable[];

/** $1: days to keep. Each yields the keys of the rows that may go. */
const before = 'quota.now() - make_interval(days => $1)';
const purgeable: Record<PurgedTable, string> = {
  job_runs: `
    select r.id from quota.job_runs r
    where r.status <> 'running' and r.started_at < ${before}
      and exists (select 1 from quota.job_runs l where l.job = r.job and l.started_at > r.started_at)
    limit $2`,
  usage_alerts: `
    select a.user_id, a.id
    from quota.usage_alerts a
    join quota.usage_quotas q using (user_id, meter, period_start)
    left join quota.alert_deliveries d on d.user_id = a.user_id and d.id = a.id
    where a.crossed_at < ${before} and q.closed_at is not null
      and (a.acknowledged_at is not null or d.status not in ('pending', 'failed'))
    limit $2`,
  call_details: `select id from quota.purgeable_calls(${before}, $2) c(id)`,
};

const purges: Record<PurgedTable, string> = {
  job_runs: `delete from quota.job_runs where id in (${purgeable.job_runs})`,
  usage_alerts: `
    delete from quota.usage_alerts where (user_id, id) in (${purgeable.usage_alerts})`,
  call_details: `
    update quota.call_logs set metadata = null, error_message = null where id in (${purgeable.call_details})`,
};

/** More are not counted: the number is for people. */
const countMax = 1_000_000;

export async function countPurgeable(client: pg.ClientBase, retention: RetentionDays): Promise<number> {
  const counts = await selectPurgeable(client, retention);
  return counts.reduce((sum, { rows }) => sum + rows, 0);
}

/** Tables with something to purge. */
export async function selectPurgeable(
  client: pg.ClientBase,
  retention: RetentionDays,
): Promise<{ table: PurgedTable; rows: number; keepDays: number }[]> {
  const found = [];
  for (const table of purgedTables) {
    const { rows } = await client.query<{ rows: number }>(
      `select count(*)::integer as rows from (${purgeable[table]}) p`,
      [retention[table], countMax],
    );
    found.push({ table, rows: rows[0]?.rows ?? 0, keepDays: retention[table] });
  }
  return found.filter(({ rows }) => rows > 0);
}

/** Up to `size` rows of each table, with one audit row per table. To be called within a transaction. */
export async function purgeBatch(
  client: pg.ClientBase,
  { runId, size }: JobBatchRequest,
  retention: RetentionDays,
): Promise<JobBatch> {
  const counts: Record<string, number> = {};
  let done = 0;
  for (const table of purgedTables) {
    const { rowCount } = await client.query(purges[table], [retention[table], size]);
    counts[table] = rowCount ?? 0;
    done += counts[table];
    if (counts[table] > 0) {
      await client.query(
        `insert into quota.audit_log (action, subject, reason, after, run_id)
         values ('table.purged', $1, 'retention', jsonb_build_object('rows', $2::integer, 'keepDays', $3::integer), $4)`,
        [table, counts[table], retention[table], runId],
      );
    }
  }
  return { done, counts };
}
