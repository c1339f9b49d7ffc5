import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from '../../database.ts';
import { runCli } from '../../run-cli.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const run = (args: string) => runCli(args.split(' '), { env: { DATABASE_URL: database.url } });
const doctor = async () => {
  const { code, stdout } = await run('doctor --json');
  const { checks } = JSON.parse(stdout) as { checks: { check: string; findings: unknown[] }[] };
  return { code, findings: checks.find(({ check }) => check === 'schema')?.findings };
};
const changed = (object: string) => ({ code: 3, findings: [{ object, state: 'changed' }] });
const missing = (object: string) => ({ code: 3, findings: [{ object, state: 'missing' }] });
const wellAgain = { code: 0, findings: [] };

/** What a person at psql might do, and what the doctor calls it. */
const byHand: [string, ReturnType<typeof changed>][] = [
  [
    `create or replace function quota.day_of(at timestamptz) returns date language sql immutable parallel safe
     as $$ select (at at time zone 'Europe/Paris')::date $$`,
    changed('function quota.day_of(timestamp with time zone)'),
  ],
  [
    'alter function quota.enforce(quota.usage_quotas[]) security invoker',
    changed('function quota.enforce(quota.usage_quotas[])'),
  ],
  ['comment on function quota.now() is null', changed('function quota.now()')],
  [
    'drop function quota.retry_alert(integer)',
    {
      code: 3,
      findings: [
        { object: 'function quota.retry_alert(integer)', state: 'missing' },
        { object: 'rights function quota.retry_alert(integer)', state: 'missing' },
      ],
    },
  ],
  [
    'drop view quota.user_limits',
    {
      code: 3,
      findings: [
        { object: 'rights table quota.user_limits', state: 'missing' },
        { object: 'view quota.user_limits', state: 'missing' },
      ],
    },
  ],
  ['drop trigger grants_inserted on quota.grants', missing('trigger grants_inserted on quota.grants')],
  [
    'alter table quota.call_logs disable trigger call_logs_inserted',
    changed('trigger call_logs_inserted on quota.call_logs'),
  ],
  ['drop policy one_user on quota.grants', missing('policy one_user on quota.grants')],
  ['revoke select on quota.plans from quota_readonly', changed('rights table quota.plans')],
  ['grant execute on function quota.erase_user to public', changed('rights function quota.erase_user(uuid)')],
];

test.each(byHand)('%s: the doctor names it, --reinstall mends it', async (sql, expected) => {
  await query(database.url, sql);
  expect(await doctor()).toEqual(expected);
  const { stdout } = await run('db status');
  expect(stdout).toContain('by hand');
  expect(await run('db migrate')).toMatchObject({ code: 0, stdout: expect.stringContaining('up to date') });
  expect(await doctor()).toEqual(expected);
  expect(await run('db migrate --reinstall')).toMatchObject({ code: 0 });
  expect(await doctor()).toEqual(wellAgain);
});

test.each([
  ['drop index quota.call_logs_user', missing('index quota.call_logs_user')],
  [
    'alter table quota.call_logs drop constraint call_logs_ended',
    missing('constraint call_logs_ended on quota.call_logs'),
  ],
  [`alter table quota.users alter timezone set default 'Europe/Paris'`, changed('table quota.users')],
])('%s: what a migration made is named', async (sql, expected) => {
  await query(database.url, sql);
  expect(await doctor()).toEqual(expected);
});

test('what somebody added is theirs', async () => {
  await query(
    database.url,
    `create index by_model on quota.call_logs (model);
     create function quota.monthly_report() returns integer language sql as 'select 1';
     create function public.told() returns trigger language plpgsql as 'begin return null; end';
     create trigger told after insert on quota.users for each row execute function public.told()`,
  );
  expect(await doctor()).toEqual(wellAgain);
  await run('db migrate --reinstall');
  expect(
    await query(
      database.url,
      `select to_regprocedure('quota.monthly_report()') is not null as function,
         exists (select from pg_trigger where tgname = 'told') as trigger, to_regclass('quota.by_model') is not null as index`,
    ),
  ).toEqual([{ function: true, trigger: true, index: true }]);
});

test('a migration that was edited after it was applied is named, by every command', async () => {
  await query(
    database.url,
    `update quota.schema_migrations set sha256 = repeat('0', 64) where name = '0008_analytics'`,
  );
  for (const args of ['db migrate', 'db migrate --dry-run', 'user list', 'doctor']) {
    const { code, stderr } = await run(args);
    expect({ args, code }).toEqual({ args, code: 78 });
    expect(stderr).toContain('0008_analytics');
  }
  const { stdout } = await run('db status --json');
  expect(JSON.parse(stdout).schema).toMatchObject({ state: 'edited', edited: ['0008_analytics'] });
});

test('a database with the functions of another version is told how to get those of this one', async () => {
  await query(database.url, `update quota.schema_core set sha256 = repeat('0', 64), version = '0.0.9'`);
  expect(await run('user list')).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/functions of the database[\s\S]*quota db migrate/),
  });
  expect((await run('db status')).stdout).toContain('0.0.9');
  expect(await run('db migrate')).toMatchObject({ code: 0 });
  expect(await run('user list')).toMatchObject({ code: 0 });
});
