import type { Knex } from 'knex';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { withClient } from '../../src/db/client.ts';
import { planRollback, readSchemaStatus } from '../../src/db/migration-store.ts';
import { type MigrationOptions, migrate, resetSchema, rollBack } from '../../src/db/migrations.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { startBin } from '../run-cli.ts';

const silent: MigrationOptions = { talk: { info: () => {}, verbose: () => {} } };
const change = { actor: 'tester', reason: 'because' };
const names = migrations.map(({ name }) => name);
const broken = {
  name: '9999_broken',
  sha256: 'broken',
  up: async () => Promise.reject(new Error('on purpose')),
  down: async () => {},
};

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase('empty');
});
afterEach(() => database.drop());

const status = () => withClient(database.url, readSchemaStatus);
const lockRows = () =>
  query<{ is_locked: number }>(database.url, 'select is_locked from quota.schema_migrations_lock');
const tables = async () =>
  (
    await query<{ name: string }>(
      database.url,
      `select table_name as name from information_schema.tables where table_schema = 'quota'`,
    )
  )
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('schema_'));

test('migrate applies everything once', async () => {
  expect((await status()).state).toBe('missing');
  expect((await migrate(database.url, silent)).applied).toEqual(names);
  expect(await migrate(database.url, silent)).toEqual({ applied: [], core: null });
  const { state, applied, pending } = await status();
  expect({ state, pending, applied: applied.map(({ name }) => name) }).toEqual({
    state: 'current',
    pending: [],
    applied: names,
  });
  expect(await tables()).toContain('call_logs');
});

test('five at once: one applies, the others find nothing to do', async () => {
  const results = await Promise.all(Array.from({ length: 5 }, () => migrate(database.url, silent)));
  expect(results.flatMap(({ applied }) => applied)).toEqual(names);
  expect(results.filter(({ core }) => core !== null)).toHaveLength(1);
  expect(await lockRows()).toEqual([{ is_locked: 0 }]);
});

test('a migration that fails leaves nothing behind, and nothing of those before it', async () => {
  await expect(migrate(database.url, { ...silent, migrations: [...migrations, broken] })).rejects.toThrow(
    'on purpose',
  );
  expect((await status()).state).toBe('missing');
  expect(await query(database.url, `select to_regnamespace('quota') as schema`)).toEqual([{ schema: null }]);
  expect((await migrate(database.url, silent)).applied).toEqual(names);
});

test('a lock row that another tool left behind does not stick', async () => {
  await migrate(database.url, silent);
  await query(database.url, 'update quota.schema_migrations_lock set is_locked = 1');
  await rollBack(database.url, [...names].reverse(), change, silent);
  await query(database.url, 'update quota.schema_migrations_lock set is_locked = 1');
  expect((await migrate(database.url, silent)).applied).toEqual(names);
  expect(await lockRows()).toEqual([{ is_locked: 0 }]);
});

test('rollback takes back what was planned, and keeps the record of migrations', async () => {
  await migrate(database.url, silent);
  const plan = planRollback(await status(), { all: true });
  expect(plan).toEqual([...names].reverse());
  await rollBack(database.url, plan, change, silent);
  expect(await tables()).toEqual([]);
  expect(
    await query(
      database.url,
      `select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'quota'::regnamespace
       union all select t.oid::regtype::text from pg_type t join pg_class c on c.oid = t.typrelid
       where t.typnamespace = 'quota'::regnamespace and c.relkind = 'c'`,
    ),
  ).toEqual([]);
  expect((await status()).pending).toEqual(names);
  expect((await migrate(database.url, silent)).applied).toEqual(names);
});

const oldCall = `insert into quota.call_logs (user_id, service, started_at, duration_seconds)
  select id, 'voice', now() - interval '1 minute', 90 from quota.users where external_id = 'ada'`;
const usedOf = () => query(database.url, 'select meter, used from quota.usage_quotas');

/** A migration on which no function depends. */
const remark = {
  name: '9998_remark',
  sha256: 'remark',
  up: async (knex: Knex) => knex.raw(`comment on table quota.users is 'whoever has an allowance'`),
  down: async (knex: Knex) => knex.raw('comment on table quota.users is null'),
};

test('functions that fit the tables that are left stay', async () => {
  const withRemark = { ...silent, migrations: [...migrations, remark] };
  await migrate(database.url, withRemark);
  await rollBack(database.url, [remark.name], change, withRemark);
  await query(database.url, `insert into quota.users (external_id) values ('ada')`);
  await query(database.url, oldCall);
  expect(await usedOf()).toEqual([{ meter: 'voice_seconds', used: '90.000' }]);
  expect(await migrate(database.url, withRemark)).toMatchObject({
    applied: [remark.name],
    core: { installed: [], dropped: [] },
  });
});

test('functions that do not fit go; what is written without them is counted when they come back', async () => {
  await migrate(database.url, silent);
  const told: string[] = [];
  const { applied } = await status();
  const plan = planRollback({ state: 'current', applied }, { to: '0007_audit' });
  const talk = { info: (message: string) => told.push(message), verbose: () => {} };
  await rollBack(database.url, plan, change, { talk });
  expect(told).toEqual([expect.stringContaining('do not fit')]);
  expect(
    await query(database.url, `select count(*) as n from pg_proc where pronamespace = 'quota'::regnamespace`),
  ).toEqual([{ n: '3' }]);
  await query(database.url, `insert into quota.users (external_id) values ('ada')`);
  await query(database.url, oldCall);
  expect(await usedOf()).toEqual([]);
  await migrate(database.url, silent);
  expect(await usedOf()).toEqual([{ meter: 'voice_seconds', used: '90.000' }]);
});

test('a plan that is no longer true is refused', async () => {
  await migrate(database.url, silent);
  await expect(rollBack(database.url, ['0000_other'], change, silent)).rejects.toMatchObject({
    code: 'try_again',
  });
  expect((await status()).state).toBe('current');
});

test('a schema newer than this version is refused', async () => {
  await migrate(database.url, silent);
  await query(
    database.url,
    `insert into quota.schema_migrations (name, batch, migration_time) values ('9000_future', 2, now())`,
  );
  expect((await status()).state).toBe('newer');
  await expect(migrate(database.url, silent)).rejects.toMatchObject({ code: 'configuration', exitCode: 78 });
  expect(() => planRollback({ state: 'newer', applied: [] }, {})).toThrow(/newer/);
});

test('reset makes the schema anew', async () => {
  await migrate(database.url, silent);
  await query(database.url, `insert into quota.users (external_id) values ('ada')`);
  expect(await resetSchema(database.url, change, silent)).toEqual(names);
  expect(await query(database.url, 'select count(*) as users from quota.users')).toEqual([{ users: '0' }]);
});

test('an interrupted migration is rolled back', async () => {
  const controller = new AbortController();
  const slow = {
    name: '9999_slow',
    sha256: 'slow',
    up: async (knex: Knex) => {
      setTimeout(() => controller.abort(), 50);
      await knex.raw('select pg_sleep(30)');
    },
    down: async () => {},
  };
  const interrupted = migrate(database.url, {
    ...silent,
    signal: controller.signal,
    migrations: [...migrations, slow],
  });
  await expect(interrupted).rejects.toMatchObject({ code: '57014' });
  expect((await status()).state).toBe('missing');
});

test('what takes tables away is in the audit log that is left', async () => {
  await migrate(database.url, silent);
  await resetSchema(database.url, change, silent);
  expect(
    await query(
      database.url,
      'select actor, action, subject, quota.audit_reason(a) as reason, after from quota.audit_log a',
    ),
  ).toEqual([
    {
      actor: 'tester',
      action: 'schema.reset',
      subject: 'schema',
      reason: 'because',
      after: { applied: names },
    },
  ]);
});

test('killed at any moment, nothing is stuck and nothing is half done', async () => {
  const env = { DATABASE_URL: database.url };
  for (let killAfterMs = 60; killAfterMs <= 460; killAfterMs += 50) {
    const run = startBin(['db', 'migrate'], { env });
    setTimeout(() => run.kill('SIGKILL'), killAfterMs);
    await run.result;
    expect(['missing', 'current']).toContain((await status()).state);
  }
  await migrate(database.url, silent);
  expect(await lockRows()).toEqual([{ is_locked: 0 }]);
  expect((await status()).state).toBe('current');
});
