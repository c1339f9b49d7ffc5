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

/** What goes: a table by its days, and details of calls by those that their service says. */
type Purged = PurgedTable | 'service_details';
const purged: Purged[] = [...purgedTables, 'service_details'];
/** Null: each service has its own. */
const keepDaysOf = (what: Purged, retention: RetentionDays) =>
  what === 'service_details' ? null : retention[what];

/** $1: days to keep. Each yields the keys of the rows that may go. */
const before = 'quota.now() - make_interval(days => $1::integer)';
const purgeable: Record<Purged, string> = {
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
  service_details: `select id from quota.purgeable_details($2) c(id) where $1::integer is null`,
};

const dropDetails = (what: 'call_details' | 'service_details') =>
  `update quota.call_logs set metadata = null, error_message = null where id in (${purgeable[what]})`;

const purges: Record<Purged, string> = {
  job_runs: `delete from quota.job_runs where id in (${purgeable.job_runs})`,
  usage_alerts: `
    delete from quota.usage_alerts where (user_id, id) in (${purgeable.usage_alerts})`,
  call_details: dropDetails('call_details'),
  service_details: dropDetails('service_details'),
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
): Promise<{ table: Purged; rows: number; keepDays: number | null }[]> {
  const found = [];
  for (const table of purged) {
    const keepDays = keepDaysOf(table, retention);
    const { rows } = await client.query<{ rows: number }>(
      `select count(*)::integer as rows from (${purgeable[table]}) p`,
      [keepDays, countMax],
    );
    found.push({ table, rows: rows[0]?.rows ?? 0, keepDays });
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
  for (const table of purged) {
    const keepDays = keepDaysOf(table, retention);
    const { rowCount } = await client.query(purges[table], [keepDays, size]);
    counts[table] = rowCount ?? 0;
    done += counts[table];
    if (counts[table] > 0) {
      await client.query(
        `insert into quota.audit_log (action, subject, reason, after, run_id)
         values ('table.purged', $1, 'retention', jsonb_build_object('rows', $2::integer, 'keepDays', $3::integer), $4)`,
        [table, counts[table], keepDays, runId],
      );
    }
  }
  return { done, counts };
}
