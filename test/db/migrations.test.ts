import type { Knex } from 'knex';
import { expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { withClient } from '../../src/db/client.ts';
import { readSchemaStatus } from '../../src/db/migration-store.ts';
import { type MigrationOptions, migrate } from '../../src/db/migrations.ts';
import { useDeskPerTest } from '../desk/desk.ts';
import { lasting, strike } from '../desk/strike.ts';

const silent: MigrationOptions = { talk: { info: () => {}, verbose: () => {} } };
const names = migrations.map(({ name }) => name);
const broken = {
  name: '9999_broken',
  sha256: 'broken',
  up: async () => Promise.reject(new Error('on purpose')),
  down: async () => {},
};

const desk = useDeskPerTest({ database: 'empty' });

const status = () => withClient(desk.url, readSchemaStatus);
const lockRows = () =>
  desk.query<{ is_locked: number }>('select is_locked from quota.schema_migrations_lock');

test('migrate applies everything once', async () => {
  expect((await status()).state).toBe('missing');
  expect((await migrate(desk.url, silent)).applied).toEqual(names);
  expect(await migrate(desk.url, silent)).toEqual({
    applied: [],
    core: null,
    roles: { granted: [], missing: [] },
  });
  const { state, applied, pending } = await status();
  expect({ state, pending, applied: applied.map(({ name }) => name) }).toEqual({
    state: 'current',
    pending: [],
    applied: names,
  });
  expect(await desk.query(`select to_regclass('quota.call_logs') is not null as there`)).toEqual([
    { there: true },
  ]);
});

test('five at once: one applies, the others find nothing to do', async () => {
  const results = await Promise.all(Array.from({ length: 5 }, () => migrate(desk.url, silent)));
  expect(results.flatMap(({ applied }) => applied)).toEqual(names);
  expect(results.filter(({ core }) => core !== null)).toHaveLength(1);
  expect(await lockRows()).toEqual([{ is_locked: 0 }]);
});

test('a migration that fails leaves nothing behind, and nothing of those before it', async () => {
  await expect(migrate(desk.url, { ...silent, migrations: [...migrations, broken] })).rejects.toThrow(
    'on purpose',
  );
  expect((await status()).state).toBe('missing');
  expect(await desk.query(`select to_regnamespace('quota') as schema`)).toEqual([{ schema: null }]);
  expect((await migrate(desk.url, silent)).applied).toEqual(names);
});

test('an interrupted migration is rolled back', async () => {
  const controller = new AbortController();
  const slow = {
    name: '9999_slow',
    sha256: 'slow',
    up: async (knex: Knex) => {
      await knex.raw('select pg_sleep(600)');
    },
    down: async () => {},
  };
  const interrupted = migrate(desk.url, {
    ...silent,
    signal: controller.signal,
    migrations: [...migrations, slow],
  });
  const failed = expect(interrupted).rejects.toMatchObject({ code: '57014' });
  await desk.untilRunning('pg_sleep(600)');
  controller.abort();
  await failed;
  expect((await status()).state).toBe('missing');
});

test('killed in the midst of its work, nothing is stuck and nothing is half done', async () => {
  const isMigrating = async () =>
    (await desk.sessions()).some(
      ({ application, inTransaction }) => application === 'quota' && inTransaction,
    );
  const struck = await strike({
    kills: 6,
    start: async () => {
      if ((await status()).state === 'current') {
        await desk.query('drop schema quota cascade');
      }
      return desk.start('db', 'migrate');
    },
    isDue: lasting(isMigrating, (attempt) => 30 * attempt),
    evidence: async () => {
      // A statement that was on its way when its process died is carried out all the same.
      await expect.poll(() => desk.sessions()).toEqual([]);
      const { state } = await status();
      expect(['missing', 'current']).toContain(state);
      return state === 'missing' ? 'migrations' : null;
    },
  });
  expect(struck).toEqual({ migrations: 6 });
  await migrate(desk.url, silent);
  expect(await lockRows()).toEqual([{ is_locked: 0 }]);
  expect((await status()).state).toBe('current');
});
