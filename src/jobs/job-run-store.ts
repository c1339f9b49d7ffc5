import type pg from 'pg';

export type JobRunStatus = 'running' | 'completed' | 'incomplete' | 'failed' | 'abandoned';

export interface JobRunRow {
  id: string;
  job: string;
  status: JobRunStatus;
  asOf: string;
  startedAt: string;
  finishedAt: string | null;
  durationMs: number | null;
  counts: Record<string, number>;
  error: string | null;
  actor: string;
}

/**
 * Marks runs whose process died; nobody knows when. Call it only while holding the lock of the job: then no run of it
 * is alive. Should a pooler have mislaid the lock, the end of the living run puts its status right.
 */
export async function abandonDeadRuns(client: pg.ClientBase, job: string): Promise<number> {
  const { rowCount } = await client.query(
    `update quota.job_runs set status = 'abandoned', error = 'its process ended without a word'
     where job = $1 and status = 'running'`,
    [job],
  );
  return rowCount ?? 0;
}

export interface NewRun {
  id: string;
  /** ISO 8601 UTC. */
  asOf: string;
  /** The same, to the microsecond, as PostgreSQL writes it. */
  clock: string;
}

export async function insertRun(client: pg.ClientBase, job: string): Promise<NewRun> {
  const { rows } = await client.query<{ id: string; as_of: Date; clock: string }>(
    'insert into quota.job_runs (job) values ($1) returning id, as_of, as_of::text as clock',
    [job],
  );
  const [run] = rows;
  if (run === undefined) {
    throw new Error('no run was recorded');
  }
  return { id: run.id, asOf: run.as_of.toISOString(), clock: run.clock };
}

/** Until the end of the transaction it is the instant of the run: what becomes due meanwhile is for the next one. */
export async function stopClock(client: pg.ClientBase, { clock }: NewRun): Promise<void> {
  await client.query(`select set_config('quota.as_of', $1, true)`, [clock]);
}

/** What the run has done so far, for whoever looks while it runs. */
export async function updateRunCounts(
  client: pg.ClientBase,
  runId: string,
  counts: Record<string, number>,
): Promise<void> {
  await client.query('update quota.job_runs set counts = $2 where id = $1', [runId, JSON.stringify(counts)]);
}

/** Since when another process runs the job, ISO 8601 UTC; null: it has just begun or just ended. */
export async function selectRunningSince(client: pg.ClientBase, job: string): Promise<string | null> {
  const { rows } = await client.query<{ started_at: Date }>(
    `select started_at from quota.job_runs where job = $1 and status = 'running' order by started_at desc limit 1`,
    [job],
  );
  return rows[0]?.started_at.toISOString() ?? null;
}

export async function finishRun(
  client: pg.ClientBase,
  runId: string,
  end: { status: JobRunStatus; counts: Record<string, number>; error: string | null },
): Promise<{ durationMs: number; finishedAt: string }> {
  const { rows } = await client.query<{ ms: number; finished_at: Date }>(
    `update quota.job_runs set status = $2, counts = $3, error = $4, finished_at = clock_timestamp()
     where id = $1
     returning round(extract(epoch from finished_at - started_at) * 1000)::integer as ms, finished_at`,
    [runId, end.status, JSON.stringify(end.counts), end.error],
  );
  const [run] = rows;
  if (run === undefined) {
    throw new Error(`the record of run ${runId} is gone`);
  }
  return { durationMs: run.ms, finishedAt: run.finished_at.toISOString() };
}

/**
 * Records that a run was refused before it could begin; one that is refused like the last run is counted with that.
 * Answers whether it is such a repetition.
 */
export async function recordRefusal(client: pg.ClientBase, job: string, reason: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `update quota.job_runs set finished_at = clock_timestamp(),
       counts = jsonb_build_object('refused', (counts->>'refused')::integer + 1)
     where id = (select r.id from quota.job_runs r where r.job = $1 order by r.started_at desc, r.id limit 1)
       and status = 'failed' and error = $2 and counts ? 'refused'`,
    [job, reason],
  );
  if (rowCount === 1) {
    return true;
  }
  const { id } = await insertRun(client, job);
  await finishRun(client, id, { status: 'failed', counts: { refused: 1 }, error: reason });
  return false;
}

interface RunFilter {
  job: string | null;
  limit: number;
}

/** The latest first. */
export async function selectRuns(client: pg.ClientBase, { job, limit }: RunFilter): Promise<JobRunRow[]> {
  const { rows } = await client.query<
    Omit<JobRunRow, 'asOf' | 'startedAt' | 'finishedAt'> & {
      as_of: Date;
      started_at: Date;
      finished_at: Date | null;
    }
  >(
    `select id, job, status, as_of, started_at, finished_at,
       round(extract(epoch from finished_at - started_at) * 1000)::integer as "durationMs", counts, error, actor
     from quota.job_runs
     where $1::text is null or job = $1
     order by started_at desc, id
     limit $2`,
    [job, limit],
  );
  return rows.map(({ as_of, started_at, finished_at, ...row }) => ({
    ...row,
    asOf: as_of.toISOString(),
    startedAt: started_at.toISOString(),
    finishedAt: finished_at?.toISOString() ?? null,
  }));
}
