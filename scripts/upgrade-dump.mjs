/**
 * Makes fixtures/upgrades/COMMIT.sql.gz: a small database as that version of quota leaves it, which the tests upgrade.
 *
 *   node scripts/upgrade-dump.mjs COMMIT SERVER_URL
 *
 * SERVER_URL: a superuser's, of a PostgreSQL 15, so that every supported server can restore the dump; pg_dump 15 is
 * found on the PATH. The version is checked out and built in a folder of its own, with the packages that are here.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import pg from 'pg';

const [commit, serverUrl] = process.argv.slice(2);
const asOf = '2026-11-15T12:00:00Z';
const month = '2026-10';
/** A bill with differences is what exit 3 says. */
const wellDone = [0, 3];

/** One of everything that has rows of its own, by commands that every version has. */
const story = [
  'db migrate',
  'fixtures seed --users 36 --calls 400 --yes',
  'usage record demo-fresh --service voice --key upgrade-1 --quantity 75 --cost 0.12 --reason logged-late --yes',
  'user grant demo-fresh voice_seconds 120 --reason goodwill --expires 2026-12-24 --yes',
  'user set-plan demo-warning voice-free --limit voice_seconds=15m --reason bigger --yes',
  'plan apply PLAN --reason cheaper --yes',
  'limits apply demo-exceeded --no-sync --reason "over the allowance" --yes',
  'jobs reset-anniversaries --no-sync',
  'user reset demo-critical --no-sync --reason refund --yes',
  'jobs roll-up-analytics',
  'jobs raise-alerts',
  `reconcile run --month ${month} --export BILL`,
  `reconcile resolve --month ${month} --kind unlogged --as accepted --reason "of a test" --yes`,
  'reconcile run --month 2026-09 --export FORMER_BILL',
  'reconcile close --month 2026-09 --force --reason "tests of ours" --yes',
  'audit verify --seal',
];

const plan = `key: voice-free
service: voice
name: Voice Free
isDefault: true
maxAssistants: 3
limits:
  - { meter: voice_seconds, limit: 660, resetEvery: 1 month, onExceeded: limit_assistants }
`;

const folder = mkdtempSync(join(tmpdir(), 'quota-upgrade-'));
const checkout = join(folder, commit);
const database = `upgrade_${commit}`;
const url = Object.assign(new URL(serverUrl), { pathname: `/${database}` }).href;
const file = (name, content) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const git = (...args) => execFileSync('git', args, { stdio: 'ignore' });
const onServer = async (target, sql) => {
  const client = new pg.Client(target);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
};

/** The calls of a month as VAPI lists them; with differences: one of another cost, one that nobody logged. */
async function writeBill(name, ofMonth, hasDifferences) {
  const logs = await onServer(
    url,
    `select l.provider_call_id as id, l.assistant_id as "assistantId", l.started_at as "startedAt",
       l.started_at as "createdAt", l.ended_at as "endedAt", 'ended' as status, 'inboundPhoneCall' as type,
       coalesce(l.cost, 0)::float8 as cost
     from quota.call_logs l
     where l.provider = 'vapi' and l.provider_call_id is not null and l.status = 'completed'
       and to_char(l.started_at at time zone 'UTC', 'YYYY-MM') = '${ofMonth}'
     order by l.started_at, l.id`,
  );
  const [first, second] = hasDifferences ? logs : [];
  const bill = [...logs, ...(first ? [{ ...first, id: 'nobody-logged-this' }] : [])].map((call) =>
    call === second ? { ...call, cost: call.cost + 1 } : call,
  );
  return file(name, bill.map((call) => `${JSON.stringify(call)}\n`).join(''));
}

git('worktree', 'add', '--detach', checkout, commit);
try {
  symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: checkout, stdio: 'inherit' });
  await onServer(serverUrl, `drop database if exists ${database}`);
  await onServer(serverUrl, `create database ${database}`);
  for (const step of story) {
    const places = {
      PLAN: () => file('plan.yaml', plan),
      BILL: () => writeBill('bill.jsonl', month, true),
      FORMER_BILL: () => writeBill('former-bill.jsonl', '2026-09', false),
    };
    const words = step.match(/"[^"]*"|\S+/g).map((word) => word.replaceAll('"', ''));
    const argv = await Promise.all(words.map((word) => places[word]?.() ?? word));
    try {
      execFileSync(process.execPath, [join(checkout, 'dist/bin/quota.js'), ...argv, '--as-of', asOf], {
        env: { ...process.env, DATABASE_URL: url, VAPI_API_KEY: 'none', QUOTA_ALERT_COMMAND: 'cat' },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } catch (error) {
      if (!wellDone.includes(error.status)) {
        throw new Error(`quota ${step}: exit ${error.status}`);
      }
    }
  }
  const dump = execFileSync(
    'pg_dump',
    ['--inserts', '--rows-per-insert=500', '--no-owner', '--schema=quota', url],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  // Lines for psql alone.
  const sql = dump.replace(/^\\(un)?restrict.*\n/gm, '');
  writeFileSync(`fixtures/upgrades/${commit}.sql.gz`, gzipSync(sql, { level: 9 }));
} finally {
  git('worktree', 'remove', '--force', checkout);
  rmSync(folder, { recursive: true, force: true });
  await onServer(serverUrl, `drop database if exists ${database}`);
}
