/** What is used of the package, which is no dependency: 70 MB for one line of one benchmark. */
interface DuckDb {
  DuckDBInstance: {
    create(path: string): Promise<{
      connect(): Promise<{ run(sql: string): Promise<unknown>; closeSync(): void }>;
      closeSync(): void;
    }>;
  };
}

const join = (paths: Record<'csv' | 'logs', string>) => `
create table result as
select l.id, g.id as log_id,
  case
    when l.id is null then case g.status when 'active' then 'unsettled' else 'unbilled' end
    when coalesce(l.started_at, l.created_at) < timestamptz '2026-10-01 00:00:00+00'
      or coalesce(l.started_at, l.created_at) >= timestamptz '2026-11-01 00:00:00+00' then 'outside_month'
    when l.started_at is null and l.cost = 0 then 'not_connected'
    when l.ended_at is null then 'unsettled'
    when g.id is null then 'unlogged'
    when abs(l.duration_seconds - g.duration_seconds) > 1 then 'duration_mismatch'
    when abs(l.cost - g.cost) > 0.005 then 'cost_mismatch'
    else 'matched'
  end as kind,
  coalesce(l.cost, 0) as billed, coalesce(g.cost, 0) as logged
from read_csv('${paths.csv}', types = {'created_at': 'timestamptz', 'started_at': 'timestamptz', 'ended_at': 'timestamptz',
  'duration_seconds': 'decimal(14,3)', 'cost': 'decimal(18,4)'}) l
full join read_csv('${paths.logs}', types = {'started_at': 'timestamptz', 'duration_seconds': 'decimal(14,3)',
  'cost': 'decimal(18,4)'}) g on g.provider_call_id = l.id`;

/**
 * Seconds that DuckDB takes for both files, in memory and with all cores: nothing is kept, nothing looked up in a
 * database. Null where it is not installed.
 */
export async function runDuckDb(paths: Record<'csv' | 'logs', string>): Promise<number | null> {
  const name = '@duckdb/node-api';
  const duckdb = await (import(name) as Promise<DuckDb>).catch(() => null);
  if (duckdb === null) {
    return null;
  }
  const instance = await duckdb.DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const begin = performance.now();
    await connection.run(join(paths));
    await connection.run('select kind, count(*), sum(billed), sum(logged) from result group by kind');
    return (performance.now() - begin) / 1000;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
