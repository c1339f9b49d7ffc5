import type { Knex } from 'knex';
import { expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { withClient } from '../../src/db/client.ts';
import { planRollback, readSchemaStatus } from '../../src/db/migration-store.ts';
import { type MigrationOptions, migrate, resetSchema, rollBack } from '../../src/db/migrations.ts';
import { useDeskPerTest } from '../desk/desk.ts';

const silent: MigrationOptions = { talk: { info: () => {}, verbose: () => {} } };
const change = { actor: 'tester', reason: 'because' };
const names = migrations.map(({ name }) => name);

const desk = useDeskPerTest();

const status = () => withClient(desk.url, readSchemaStatus);
const tables = async () =>
  (
    await desk.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'quota'`,
    )
  )
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('schema_'));

test('a lock row that another tool left behind does not stick', async () => {
  await desk.query('update quota.schema_migrations_lock set is_locked = 1');
  await rollBack(desk.url, [...names].reverse(), change, silent);
  await desk.query('update quota.schema_migrations_lock set is_locked = 1');
  expect((await migrate(desk.url, silent)).applied).toEqual(names);
  expect(await desk.query('select is_locked from quota.schema_migrations_lock')).toEqual([{ is_locked: 0 }]);
});

test('rollback takes back what was planned, and keeps the record of migrations', async () => {
  const plan = planRollback(await status(), { all: true });
  expect(plan).toEqual([...names].reverse());
  await rollBack(desk.url, plan, change, silent);
  expect(await tables()).toEqual([]);
  expect(
    await desk.query(
      `select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'quota'::regnamespace
       union all select t.oid::regtype::text from pg_type t join pg_class c on c.oid = t.typrelid
       where t.typnamespace = 'quota'::regnamespace and c.relkind = 'c'`,
    ),
  ).toEqual([]);
  expect((await status()).pending).toEqual(names);
  expect((await migrate(desk.url, silent)).applied).toEqual(names);
});

const oldCall = `insert into quota.call_logs (user_id, service, started_at, duration_seconds)
  select id, 'voice', now() - interval '1 minute', 90 from quota.users where external_id = 'ada'`;
const usedOf = () => desk.query('select meter, used from quota.usage_quotas');

/** A migration on which no function depends. */
const remark = {
  name: '9998_remark',
  sha256: 'remark',
  up: async (knex: Knex) => knex.raw(`comment on table quota.users is 'whoever has an allowance'`),
  down: async (knex: Knex) => knex.raw('comment on table quota.users is null'),
};

test('functions that fit the tables that are left stay', async () => {
  const withRemark = { ...silent, migrations: [...migrations, remark] };
  await migrate(desk.url, withRemark);
  await rollBack(desk.url, [remark.name], change, withRemark);
  await desk.query(`insert into quota.users (external_id) values ('ada')`);
  await desk.query(oldCall);
  expect(await usedOf()).toEqual([{ meter: 'voice_seconds', used: '90.000' }]);
  expect(await migrate(desk.url, withRemark)).toMatchObject({
    applied: [remark.name],
    core: { installed: [], dropped: [] },
  });
});

test('functions that do not fit go; what is written without them is counted when they come back', async () => {
  const told: string[] = [];
  const { applied } = await status();
  const plan = planRollback({ state: 'current', applied }, { to: '0007_audit' });
  const talk = { info: (message: string) => told.push(message), verbose: () => {} };
  await rollBack(desk.url, plan, change, { talk });
  expect(told).toEqual([expect.stringContaining('do not fit')]);
  expect(
    await desk.query(`select proname from pg_proc where pronamespace = 'quota'::regnamespace order by 1`),
  ).toEqual(['actor', 'next_export', 'now', 'shown'].map((proname) => ({ proname })));
  await desk.query(`insert into quota.users (external_id) values ('ada')`);
  await desk.query(oldCall);
  expect(await usedOf()).toEqual([]);
  await migrate(desk.url, silent);
  expect(await usedOf()).toEqual([{ meter: 'voice_seconds', used: '90.000' }]);
});

test('a plan that is no longer true is refused', async () => {
  await expect(rollBack(desk.url, ['0000_other'], change, silent)).rejects.toMatchObject({
    code: 'try_again',
  });
  expect((await status()).state).toBe('current');
});

test('a schema newer than this version is refused', async () => {
  await desk.query(
    `insert into quota.schema_migrations (name, batch, migration_time) values ('9000_future', 2, now())`,
  );
  expect((await status()).state).toBe('newer');
  await expect(migrate(desk.url, silent)).rejects.toMatchObject({ code: 'configuration', exitCode: 78 });
  expect(() => planRollback({ state: 'newer', applied: [] }, {})).toThrow(/newer/);
});

test('reset makes the schema anew', async () => {
  await desk.query(`insert into quota.users (external_id) values ('ada')`);
  expect(await resetSchema(desk.url, change, silent)).toEqual(names);
  expect(await desk.query('select count(*) as users from quota.users')).toEqual([{ users: '0' }]);
});

test('what takes tables away is in the audit log that is left', async () => {
  await resetSchema(desk.url, change, silent);
  expect(
    await desk.query(
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
