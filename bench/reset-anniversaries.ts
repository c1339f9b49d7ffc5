/**
 * The anniversary job against a hand-written script that does the same work - close, open, audit, advance - for
 * everybody in one statement, on a copy of the same database in the same run; and 10,000 due among many against
 * 10,000 due among 10,000. Build first (`npm run build`). Fails above the ratios and the memory that are aimed at.
 *
 *   node scripts/bench.mjs reset-anniversaries [--users 100000] [--due 10000]
 */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openEmbedded } from '../src/db/embedded-session.ts';
import { migrate } from '../src/db/migrations.ts';

const scriptRatioMax = 1.3;
const amongRatioMax = 1.2;
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '100000' },
    due: { type: 'string', default: '10000' },
  },
});
const users = Number(values.users);
const due = Number(values.due);
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

/** What both ways must leave behind alike. */
const outcome = (database: string) =>
  on(
    database,
    `
    select (select count(*) from quota.usage_quotas where closed_at is not null and used_at_close = used) as closed,
      (select count(*) from quota.usage_quotas where closed_at is null and period_end > '${asOf}') as open,
      (select count(*) from quota.audit_log where action = 'subscription.reset') as audited,
      (select md5(string_agg(next_reset_at::text, ',' order by user_id)) from quota.subscriptions) as resets`,
  );

const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
await chmod(folder, 0o711); // As root, the account of the server must be able to pass.
const session = await openEmbedded({ dataDir: join(folder, 'data') });
try {
  await on('quota', "alter system set max_wal_size = '8GB'");
  await on('quota', 'select pg_reload_conf()');
  await copyOf('filled', 'template1');
  await migrate(urlOf('filled'), { talk: { info: () => {}, verbose: () => {} } });
  await fill('filled', users, users);
  await compareWithScript();
  await compareWithFew();
} finally {
  await session.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

async function compareWithScript(): Promise<void> {
  await copyOf('by_script', 'filled');
  await copyOf('by_job', 'filled');
  const script = await timed(() => on('by_script', handWritten));
  const job = await runJob('by_job');
  const same = await Promise.all(['by_script', 'by_job'].map(outcome));
  if (JSON.stringify(same[0]) !== JSON.stringify(same[1])) {
    throw new Error(`they did not do the same: ${JSON.stringify(same)}`);
  }
  say(
    `${users} due: script ${script.toFixed(1)} s, job ${job.seconds.toFixed(1)} s (node at most ${job.megabytes.toFixed(0)} MB)`,
  );
  judge('job / script', job.seconds / script, scriptRatioMax);
}

async function compareWithFew(): Promise<void> {
  await copyOf('among_many', 'filled');
  await on(
    'among_many',
    `update quota.subscriptions set next_reset_at = '2027-06-01' where user_id not in (select id from quota.users order by id limit ${due})`,
  );
  await on('among_many', 'vacuum analyze');
  await copyOf('among_few', 'template1');
  await migrate(urlOf('among_few'), { talk: { info: () => {}, verbose: () => {} } });
  await fill('among_few', due, due);
  const few = await runJob('among_few');
  const many = await runJob('among_many');
  say(`${due} due: among ${due} ${few.seconds.toFixed(2)} s, among ${users} ${many.seconds.toFixed(2)} s`);
  judge('among many / among few', many.seconds / few.seconds, amongRatioMax);
}

/** Users with one period that is over, in use, and no reset since. */
async function fill(database: string, count: number, step: number): Promise<void> {
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
    from quota.users limit ${step}`,
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

/** The built command, start and connection included, and its peak memory. */
async function runJob(database: string): Promise<{ seconds: number; megabytes: number }> {
  let report = '';
  const seconds = await timed(
    () =>
      new Promise<void>((done, failed) => {
        const peak = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n'))`;
        const child = spawn(
          process.execPath,
          [
            '--import',
            `data:text/javascript,${encodeURIComponent(peak)}`,
            resolve('dist/bin/quota.js'),
            'jobs',
            'reset-anniversaries',
            '--as-of',
            asOf,
            '--quiet',
            '--no-sync',
          ],
          { env: { ...process.env, DATABASE_URL: urlOf(database) }, stdio: ['ignore', 'ignore', 'pipe'] },
        );
        child.stderr.setEncoding('utf8').on('data', (text) => {
          report += text;
        });
        child.on('close', (code) => (code === 0 ? done() : failed(new Error(`exit ${code}: ${report}`))));
      }),
  );
  return { seconds, megabytes: Number(/peak (\d+)/.exec(report)?.[1]) / 1024 };
}

async function timed(use: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await use();
  return (performance.now() - begin) / 1000;
}

async function copyOf(name: string, template: string): Promise<void> {
  await on('quota', `create database ${name} template ${template}`);
}

async function on(database: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(urlOf(database));
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  return session.url.replace(/\/quota\?/, `/${database}?`);
}

function judge(name: string, ratio: number, max: number): void {
  say(`${name}: ${ratio.toFixed(2)} (${ratio <= max ? 'ok' : `above ${max}`})`);
  if (ratio > max) {
    process.exitCode = 1;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
