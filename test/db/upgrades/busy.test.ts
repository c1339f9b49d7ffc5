import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../../src/db/migrations.ts';
import { createTestDatabase, query, type TestDatabase } from '../../database.ts';
import { runCli, startBin } from '../../run-cli.ts';
import { catalogueOf, restoreVersion } from './landed-version.ts';

const oldest = '9dc017b';
const silent = { talk: { info: () => {}, verbose: () => {} } };

let database: TestDatabase;
let holder: pg.Client;
const open = async (restored: TestDatabase) => {
  database = restored;
  holder = new pg.Client(database.url);
  await holder.connect();
};
beforeEach(() => {
  database = { name: '', url: '', drop: async () => {} };
});
afterEach(async () => {
  await holder.end();
  await database.drop();
});

/** Calls of one user wait for each other, whoever migrates. */
const call = (key: string, user = 'demo-fresh') =>
  `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, ended_at, duration_seconds)
   select id, 'voice', 'vapi', '${key}', now() - interval '5 minutes', now(), 30 from quota.users where external_id = '${user}'`;
const counted = () =>
  query<{ calls: string }>(
    database.url,
    `select count(*) as calls from quota.call_logs where provider_call_id like 'busy-%'`,
  );
/** Whoever migrates waits for a table that somebody else holds. */
const waiting = () =>
  query<{ pid: number }>(
    database.url,
    `select a.pid from pg_stat_activity a join pg_locks l on l.pid = a.pid and not l.granted and l.locktype = 'relation'
     where a.datname = current_database() and a.application_name = 'quota'`,
  );
const doctor = async () => (await runCli(['doctor'], { env: { DATABASE_URL: database.url } })).code;

test('a writer that is in the way is let through, and so is everybody after him', async () => {
  await open(await restoreVersion(oldest));
  await holder.query(`begin; ${call('busy-0')}`);
  let toldToWait = () => {};
  const waits = new Promise<void>((resolve) => {
    toldToWait = resolve;
  });
  const migration = migrate(database.url, { talk: { verbose: () => {}, info: () => toldToWait() } });
  await waits;
  // The holder has not let go, and others write: each waits for a moment at most.
  for (let place = 1; place <= 20; place += 1) {
    await query(database.url, call(`busy-${place}`, 'demo-warning'));
  }
  await holder.query('commit');
  const { applied, core } = await migration;
  expect(applied).toContain('0014_comments');
  expect(core?.dropped).toContain('function quota.grant_roles()');
  await query(database.url, call('busy-21'));
  expect(await counted()).toEqual([{ calls: '22' }]);
  expect(await doctor()).toBe(0);
});

test('functions are replaced under a transaction that is open on every table', async () => {
  await open(await createTestDatabase());
  await query(
    database.url,
    `update quota.schema_core set sha256 = repeat('0', 64);
     create or replace function quota.day_of(at timestamptz) returns date language sql as $$ select at::date $$`,
  );
  await holder.query(`begin; insert into quota.users (external_id) values ('demo-fresh'); ${call('busy-0')}`);
  expect(await migrate(database.url, silent)).toEqual({
    applied: [],
    core: { installed: ['function quota.day_of(timestamp with time zone)'], dropped: [] },
    roles: { granted: [], missing: [] },
  });
  await holder.query('commit');
  expect(await doctor()).toBe(0);
});

test('several at once: one installs, the others find it done', async () => {
  await open(await restoreVersion(oldest));
  const results = await Promise.all(Array.from({ length: 4 }, () => migrate(database.url, silent)));
  expect(results.filter(({ core }) => core !== null)).toHaveLength(1);
  expect(await doctor()).toBe(0);
});

test('killed while it waits for a table, it leaves the old version whole', async () => {
  await open(await restoreVersion(oldest));
  const before = await catalogueOf(database);
  // Needed late: by the last kinds of things, when the tables and functions are new already.
  await holder.query('begin; lock table quota.usage_analytics in access share mode');
  const run = startBin(['db', 'migrate'], { env: { DATABASE_URL: database.url } });
  await expect.poll(waiting).not.toEqual([]);
  run.kill('SIGKILL');
  expect((await run.result).code).toBeNull();
  await expect.poll(waiting).toEqual([]);
  await holder.query('commit');
  expect(await catalogueOf(database)).toEqual(before);
  expect(await query(database.url, `select to_regclass('quota.schema_core') as core`)).toEqual([
    { core: null },
  ]);
  await migrate(database.url, silent);
  const fresh = await createTestDatabase();
  try {
    expect(await catalogueOf(database)).toEqual(await catalogueOf(fresh));
  } finally {
    await fresh.drop();
  }
});
