/**
 * The anniversary job against a hand-written script that does the same work - close, open, audit, advance - for
 * everybody in one statement, on a copy of the same database in the same run; and 10,000 due among many against
 * 10,000 due among 10,000. By turns, the best of each: what else the machine does meets both; by the clock, or by the
 * processor time of the server and of node. Build first
 * (`npm run build`). Fails above the ratios that are aimed at.
 *
 *   node scripts/bench.mjs reset-anniversaries [--users 100000] [--due 10000] [--rounds 3] [--processor]
 */
import { parseArgs } from 'node:util';
import { type BenchServer, withBenchServer } from './bench-server.ts';
import { type QuotaProcess, runQuota } from './quota-process.ts';
import { judge, say } from './verdict.ts';

const scriptRatioMax = 1.3;
const amongRatioMax = 1.2;
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '100000' },
    due: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    processor: { type: 'boolean', default: false },
  },
});
const users = Number(values.users);
const due = Number(values.due);
const rounds = Number(values.rounds);
const by = values.processor ? 'processor' : 'clock';
const asOf = '2026-12-15T00:00:00Z';

const handWritten = `
with due as materialized (
  select s.*, quota.period_at(date_trunc('day', s.anchor_local), '1 month', s.timezone, timestamptz '${asOf}') as period
  from quota.subscriptions s where s.plan = 'voice-free' and s.next_reset_at <= '${asOf}'
), closed as (
  update quota.usage_quotas q set closed_at = '${asOf}', used_at_close = q.used
  from due d where q.user_id = d.user_id and q.meter = 'voice_seconds' and q.closed_at is null and q.period_end <= '${asOf}'
  returning q.user_id, q.period_start, q.period_end, q.used, q.limit_quantity
), opened as (
  insert into quota.usage_quotas (user_id, meter, period_start, period_end, limit_quantity, warn_at, on_exceeded)
  select d.user_id, l.meter, lower(d.period), upper(d.period), l.limit_quantity, l.warn_at, l.on_exceeded
  from due d join quota.plan_limits l on l.plan = d.plan
), advanced as (
  update quota.subscriptions s
  set next_reset_at = upper(d.period), last_reset_at = '${asOf}', limit_enforced_at = null
  from due d where s.user_id = d.user_id and s.service = d.service
)
insert into quota.audit_log (at, action, user_id, service, period_end, reason, before, after)
select '${asOf}', 'subscription.reset', d.user_id, d.service, d.next_reset_at, 'period ended',
  jsonb_build_object('nextResetAt', d.next_reset_at, 'limitEnforcedAt', d.limit_enforced_at, 'closed', jsonb_build_array(
    jsonb_build_object('meter', 'voice_seconds', 'periodStart', c.period_start, 'periodEnd', c.period_end, 'used', c.used::text,
      'limit', c.limit_quantity::text))),
  jsonb_build_object('nextResetAt', upper(d.period), 'missed', 0, 'limitEnforcedAt', null)
from due d join closed c on c.user_id = d.user_id`;

await withBenchServer(async (server) => {
  await server.on('quota', "alter system set max_wal_size = '8GB'");
  await server.on('quota', 'select pg_reload_conf()');
  await server.createMigrated('filled');
  await fill(server, 'filled', users);
  await compareWithScript(server);
  await compareWithFew(server);
});

/** What both ways must leave behind alike. */
function outcome({ on }: BenchServer, database: string) {
  return on(
    database,
    `
    select (select count(*) from quota.usage_quotas where closed_at is not null and used_at_close = used) as closed,
      (select count(*) from quota.usage_quotas where closed_at is null and period_end > '${asOf}') as open,
      (select count(*) from quota.audit_log where action = 'subscription.reset') as audited,
      (select md5(string_agg(next_reset_at::text, ',' order by user_id)) from quota.subscriptions) as resets`,
  );
}

async function compareWithScript(server: BenchServer): Promise<void> {
  const [scripts, jobs, megabytes]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    await copyOf(server, 'by_script', 'filled');
    await copyOf(server, 'by_job', 'filled');
    scripts.push(await server.secondsOf(by, () => server.on('by_script', handWritten)));
    jobs.push(await server.secondsOf(by, () => runJob(server, 'by_job', megabytes)));
  }
  const same = await Promise.all(['by_script', 'by_job'].map((database) => outcome(server, database)));
  if (JSON.stringify(same[0]) !== JSON.stringify(same[1])) {
    throw new Error(`they did not do the same: ${JSON.stringify(same)}`);
  }
  const [script, job] = [Math.min(...scripts), Math.min(...jobs)];
  const most = Math.max(...megabytes);
  say(
    `${users} due: script ${script.toFixed(1)} s, job ${job.toFixed(1)} s (node at most ${most.toFixed(0)} MB)`,
  );
  judge('job / script', job / script, scriptRatioMax, {
    ours: `${job.toFixed(1)} s`,
    baseline: `${script.toFixed(1)} s`,
    megabytes: most,
  });
}

async function compareWithFew(server: BenchServer): Promise<void> {
  await copyOf(server, 'among_many', 'filled');
  await server.on(
    'among_many',
    `update quota.subscriptions set next_reset_at = '2027-06-01' where user_id not in (select id from quota.users order by id limit ${due})`,
  );
  await server.on('among_many', 'vacuum analyze');
  await server.createMigrated('among_few');
  await fill(server, 'among_few', due);
  const [few, many]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await copyOf(server, 'few', 'among_few');
    await copyOf(server, 'many', 'among_many');
    few.push(await server.secondsOf(by, () => runJob(server, 'few')));
    many.push(await server.secondsOf(by, () => runJob(server, 'many')));
  }
  const [amongFew, amongMany] = [Math.min(...few), Math.min(...many)];
  say(`${due} due: among ${due} ${amongFew.toFixed(2)} s, among ${users} ${amongMany.toFixed(2)} s`);
  judge('among many / among few', amongMany / amongFew, amongRatioMax, {
    ours: `${amongMany.toFixed(1)} s`,
    baseline: `${amongFew.toFixed(1)} s`,
  });
}

/** Users with one period that is over, in use, and no reset since. */
async function fill({ on }: BenchServer, database: string, count: number): Promise<void> {
  await on(
    database,
    `
    insert into quota.users (id, external_id, created_at)
    select md5(n::text)::uuid, 'user_' || n, timestamptz '2024-01-01T08:00Z' + (n % 14) * interval '1 day'
    from generate_series(1, ${count}) n`,
  );
  await on(
    database,
    `
    insert into quota.subscriptions (user_id, service, plan, anchor_local, timezone, next_reset_at)
    select id, 'voice', 'voice-free', created_at at time zone 'UTC', 'UTC',
      upper(quota.period_at(date_trunc('day', created_at at time zone 'UTC'), '1 month', 'UTC', '2026-11-16'))
    from quota.users`,
  );
  await on(
    database,
    `
    insert into quota.usage_quotas (user_id, meter, period_start, period_end, limit_quantity, warn_at, on_exceeded, used, calls)
    select user_id, 'voice_seconds', next_reset_at - interval '1 month', next_reset_at, 600, '{80,90,100}', 'limit_assistants', 120, 2
    from quota.subscriptions`,
  );
  await on(database, 'vacuum analyze');
}

/** Adds the most memory that it took to `megabytes`. */
async function runJob(
  { urlOf }: BenchServer,
  database: string,
  megabytes: number[] = [],
): Promise<QuotaProcess> {
  const args = ['jobs', 'reset-anniversaries', '--as-of', asOf, '--quiet', '--no-sync'];
  const run = await runQuota(args, { databaseUrl: urlOf(database) });
  megabytes.push(run.megabytes);
  return run;
}

async function copyOf({ on }: BenchServer, name: string, template: string): Promise<void> {
  await on('quota', `drop database if exists ${name}`);
  await on('quota', `create database ${name} template ${template}`);
}
