import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { withClient } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrations.ts';
import { runQuota } from '../quota-process.ts';
import { say } from '../verdict.ts';
import { asOf, month } from './commands.ts';

export interface DatabaseToFill {
  serverUrl: string;
  url: string;
  name: string;
  users: number;
  calls: number;
}

/** Seeds the database, unless that was done before, and brings its functions up to date. */
export async function fillDatabase({ serverUrl, url, name, users, calls }: DatabaseToFill): Promise<void> {
  const isThere = await withClient(serverUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    await (rowCount === 1 || client.query(`create database ${pg.escapeIdentifier(name)}`));
    return rowCount === 1;
  });
  await migrate(url, { talk: { info: () => {}, verbose: () => {} } });
  const run = async (args: string[]) => {
    const { seconds } = await runQuota([...args, '--as-of', asOf], { databaseUrl: url });
    say(`${args.slice(0, 2).join(' ')}: ${seconds.toFixed(1)} s`);
  };
  const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
  try {
    if (!isThere || (await isEmpty(url))) {
      await run(['fixtures', 'seed', '--users', `${users}`, '--calls', `${calls}`]);
    }
    if (await hasNoPast(url)) {
      const bill = join(folder, 'bill.csv');
      await withClient(url, (client) => writeBill(client, bill));
      await run(['reconcile', '--month', month, '--provider', 'vapi', '--export', bill]);
      await run(['jobs', 'roll-up-analytics', '--max-duration', '1h']);
      await withClient(url, addPast);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the provider bills for the month: what was logged. */
async function writeBill(client: pg.Client, path: string): Promise<void> {
  await client.query(`set timezone = 'UTC'`);
  await client.query('vacuum analyze');
  const bill = `copy (select provider_call_id as id, assistant_id, 'ended' as status, started_at as created_at, started_at,
      ended_at, duration_seconds, coalesce(cost, 0) as cost
    from quota.call_logs
    where provider = 'vapi' and started_at >= '${month}-01' and started_at < '${month}-01'::date + interval '1 month')
    to stdout with (format csv, header)`;
  await pipeline(client.query(copyStreams.to(bill)), createWriteStream(path));
}

const isEmpty = (url: string) =>
  withClient(url, async (client) => (await client.query('select from quota.users limit 1')).rowCount === 0);

const hasNoPast = (url: string) =>
  withClient(url, async (client) => (await client.query('select from quota.grants limit 1')).rowCount === 0);

/** What a seed has none of: grants, told alerts, runs of a year. In one transaction: it is the sign that all is done. */
async function addPast(client: pg.Client): Promise<void> {
  await client.query(`
    begin;
    select set_config('quota.as_of', '${asOf}', true);
    insert into quota.grants (user_id, meter, quantity, reason, created_at, expires_at)
    select q.user_id, q.meter, 60, 'goodwill', quota.now() - n * interval '9 days',
      case when n > 1 then quota.now() + (3 - n) * interval '10 days' end
    from quota.usage_quotas q cross join generate_series(1, 4) n
    where q.period_start <= quota.now() and q.period_end > quota.now() and hashtext(q.user_id::text) % 10 = 0;
    update quota.alert_deliveries set status = 'delivered', attempts = 1, settled_at = quota.now()
    where hashtext(id::text) % 20 <> 0;
    insert into quota.job_runs (job, status, as_of, started_at, finished_at)
    select j.job, 'completed', r.at, r.at, r.at + interval '2 seconds'
    from unnest('{raise-alerts,sync-limits,enforce-limits,reset-anniversaries,purge}'::text[],
      '{5,5,15,60,10080}'::integer[]) j(job, minutes)
    cross join lateral generate_series(quota.now() - interval '90 days', quota.now(), j.minutes * interval '1 minute')
      r(at);
    commit;`);
  await client.query('vacuum analyze');
}
