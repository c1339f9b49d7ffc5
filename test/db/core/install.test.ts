import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCore } from '../../../scripts/sql-set.mjs';
import { withClient } from '../../../src/db/client.ts';
import { findChangedObjects } from '../../../src/db/core/changed-objects.ts';
import { parseCoreSet } from '../../../src/db/core/core-set.ts';
import { installCore } from '../../../src/db/core/install.ts';
import { withTransaction } from '../../../src/db/transaction.ts';
import { createTestDatabase, query, type TestDatabase } from '../../database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const core = readCore();
/** The core with other texts in place of, or beside, its own. */
const edited = (changes: Record<string, (text: string) => string>) =>
  parseCoreSet({
    sha256: JSON.stringify(Object.keys(changes)),
    files: [
      ...core.files.map(({ path, text }) => ({ path, text: changes[path]?.(text) ?? text })),
      ...Object.entries(changes)
        .filter(([path]) => !core.files.some((file) => file.path === path))
        .map(([path, make]) => ({ path, text: make('') })),
    ].sort((a, b) => (a.path < b.path ? -1 : 1)),
  });
const install = (set: ReturnType<typeof parseCoreSet>) =>
  withClient(database.url, (client) => withTransaction(client, () => installCore(client, set)));
const findChanged = () => withClient(database.url, findChangedObjects);
const oidOf = async (name: string) =>
  (await query<{ oid: string }>(database.url, `select $1::regproc::oid as oid`, [name]))[0]?.oid;

const dayOf = 'analytics/day-of.sql';

test('what is as it is wanted stays untouched', async () => {
  expect(await install(edited({}))).toEqual({ installed: [], dropped: [] });
});

test('another body is put in place under the same identity', async () => {
  const before = await oidOf('quota.day_of');
  const set = edited({ [dayOf]: (text) => text.replace("'UTC'", "'Asia/Tokyo'") });
  expect(await install(set)).toEqual({
    installed: ['function quota.day_of(timestamp with time zone)'],
    dropped: [],
  });
  expect(await query(database.url, `select quota.day_of('2026-01-01 20:00Z')::text as day`)).toEqual([
    { day: '2026-01-02' },
  ]);
  expect(await oidOf('quota.day_of')).toBe(before);
  expect(await findChanged()).toEqual([]);
});

test('another result, another argument, none at all: what is gone is dropped, whatever it was called', async () => {
  const set = edited({
    [dayOf]: (text) =>
      text.replace('returns date', 'returns timestamptz').replace('::date ', '::date::timestamptz '),
    'alerts/retry-alert.sql': (text) =>
      text.replace('(attempts integer)', '(attempts bigint)').replace('(integer)', '(bigint)'),
    'reconcile/stated-seconds.sql': () => '',
    'usage/extra.sql': () =>
      'create or replace function quota.extra() returns integer language sql as $$ select 1 $$;',
  });
  const { installed, dropped } = await install(set);
  expect([...installed].sort()).toEqual([
    'function quota.day_of(timestamp with time zone)',
    'function quota.extra()',
    'function quota.retry_alert(bigint)',
  ]);
  expect([...dropped].sort()).toEqual([
    'function quota.retry_alert(integer)',
    'function quota.stated_seconds(numeric,text)',
  ]);
  await install(edited({}));
  expect(await query(database.url, `select to_regprocedure('quota.extra()') as extra`)).toEqual([
    { extra: null },
  ]);
  expect(await findChanged()).toEqual([]);
});

test('a type that changes takes its functions along, and they come back with their rights', async () => {
  const rights = () =>
    query(
      database.url,
      `select has_function_privilege('quota_app', 'quota.check(text, text, text, numeric, bigint, text, text, jsonb)', 'execute') as app`,
    );
  const set = edited({
    'apps/allowance-of.sql': (text) =>
      text
        .replace('runs_out_at timestamptz)', 'runs_out_at timestamptz, note text)')
        .replace('b.period_start, b.period_end)\n', 'b.period_start, b.period_end), null\n'),
  });
  const { installed, dropped } = await install(set);
  expect(installed).toContain('type quota.allowance');
  expect(installed.some((key) => key.startsWith('function quota.refusal_message'))).toBe(true);
  expect(dropped).toEqual([]);
  expect(await findChanged()).toEqual([]);
  expect(await rights()).toEqual([{ app: true }]);
});

test('a trigger function that is renamed takes its trigger along', async () => {
  const set = edited({
    'grants/grants-inserted.sql': (text) => text.replaceAll('quota.grants_inserted', 'quota.grants_came'),
  });
  expect(await install(set)).toEqual({
    installed: ['function quota.grants_came()', 'trigger grants_inserted on quota.grants'],
    dropped: ['function quota.grants_inserted()'],
  });
});

test('a comment that is gone from its file is gone', async () => {
  await install(edited({ [dayOf]: (text) => text.replace(/comment on[\s\S]*/, '') }));
  expect(
    await query(database.url, `select obj_description('quota.day_of(timestamptz)'::regprocedure) as comment`),
  ).toEqual([{ comment: null }]);
});

test('what the host built on a thing that goes is never taken along', async () => {
  await query(database.url, 'create view public.days as select quota.day_of(created_at) from quota.users');
  const set = edited({ [dayOf]: () => '' });
  await expect(install(set)).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining('public.days'),
  });
  expect(await findChanged()).toEqual([]);
});

test('a statement that the server refuses is named by its file', async () => {
  const set = edited({
    'usage/wrong.sql': () =>
      'create function quota.wrong(at nonsense) returns integer language sql as $$ select 1 $$;',
  });
  await expect(install(set)).rejects.toThrow('sql/usage/wrong.sql');
  expect(() => edited({ 'usage/odd.sql': () => 'insert into quota.meters values (1);' })).toThrow(
    'sql/usage/odd.sql',
  );
});
