import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDatabase } from '../../src/db/connection.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { copyTestDatabase, createTestDatabase, query, type TestDatabase } from '../database.ts';
import { runCli } from '../run-cli.ts';

/** What servers, databases and roles really have, and what nobody should rely on. */
const settingsOfServers: Record<string, Record<string, string>> = {
  'a German one': { datestyle: 'German', intervalstyle: 'sql_standard', timezone: 'Asia/Kolkata' },
  'a SQL one': { datestyle: 'SQL, DMY', intervalstyle: 'iso_8601', timezone: 'America/St_Johns' },
  'an old one': { datestyle: 'Postgres, MDY', bytea_output: 'escape', extra_float_digits: '-15' },
  'one that lost its way': {
    search_path: 'nowhere',
    standard_conforming_strings: 'off',
    backslash_quote: 'on',
    array_nulls: 'off',
    row_security: 'off',
    quote_all_identifiers: 'on',
    session_replication_role: 'replica',
  },
};

const asOf = '2026-11-15T12:00:00Z';
let seeded: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quota-settings-'));
  seeded = await createTestDatabase();
  const bill = ['--export', 'vapi-calls', '--export-dir', folder, '--differences', 'unlogged=2'];
  await run(seeded, ['fixtures', 'seed', '--users', '24', '--yes', ...bill]);
});
afterAll(async () => {
  await seeded.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function run({ url }: TestDatabase, args: readonly string[], expected = [0]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...args, '--as-of', asOf], { env: { DATABASE_URL: url } });
  expect([args.join(' '), code, expected.includes(code ?? -1) ? '' : stderr]).toEqual([
    args.join(' '),
    code,
    '',
  ]);
  return stdout
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replaceAll(/"(durationMs|appliedAt|at|recordedAt|startedAt|finishedAt)": ?("[^"]*"|[\d.]+)/g, '"$1": 0');
}

/** Reads and changes of every domain; each answer, in their order. */
async function story(database: TestDatabase): Promise<string[]> {
  const bill = join(folder, 'vapi-calls-2026-10.json');
  const report = join(folder, `${database.name}.html`);
  const answers = [
    await run(database, ['db', 'migrate', '--reinstall']),
    await run(database, ['user', 'list', '--json']),
    await run(database, ['user', 'show', 'demo-exceeded', '--json']),
    await run(database, ['user', 'history', 'demo-exceeded', '--json']),
    await run(database, ['user', 'explain', 'demo-exceeded']),
    await run(database, [
      'user',
      'reset',
      'demo-exceeded',
      '--reason',
      'test',
      '--yes',
      '--no-sync',
      '--json',
    ]),
    await run(database, ['jobs', 'reset-anniversaries', '--no-sync', '--json'], [0, 75]),
    await run(database, ['jobs', 'roll-up-analytics', '--json']),
    await run(database, ['usage', 'analytics', '--from', '2026-10-01', '--json']),
    await run(database, ['reconcile', '--month', '2026-10', '--export', bill, '--json'], [3]),
    await run(database, ['reconcile', 'report', '--month', '2026-10', '-o', report], [0, 3]),
    await run(database, ['plan', 'show', 'voice-free']),
    await run(database, ['audit', 'verify', '--seal'], [0]),
    await run(database, ['doctor', '--json'], [0, 3]),
  ];
  return [...answers, readFileSync(report, 'utf8').replaceAll(/\d{2}:\d{2}:\d{2}/g, 'TIME')].map((answer) =>
    answer.replaceAll(database.name, 'DATABASE').replaceAll(/[0-9a-f]{64}/g, 'HASH'),
  );
}

test('whatever a server has set, every answer is the same', async () => {
  const usual = await copyTestDatabase(seeded);
  const expected = await story(usual);
  await usual.drop();
  expect(expected.join('\n')).toContain('demo-exceeded');
  for (const [name, settings] of Object.entries(settingsOfServers)) {
    const unusual = await copyTestDatabase(seeded);
    for (const [setting, value] of Object.entries(settings)) {
      await query(seeded.url, `alter database ${unusual.name} set ${setting} = '${value}'`);
    }
    const answers = await story(unusual);
    for (const [index, answer] of answers.entries()) {
      expect([name, index, answer]).toEqual([name, index, expected[index]]);
    }
    await unusual.drop();
  }
});

test('a bound that a hosted server sets for web pages does not end the work of a command', async () => {
  const hosted = await copyTestDatabase(seeded);
  await query(seeded.url, `alter database ${hosted.name} set statement_timeout = '1s'`);
  await query(seeded.url, `alter database ${hosted.name} set idle_in_transaction_session_timeout = '1s'`);
  const settings = { databaseUrl: hosted.url, dataDir: folder, actor: 'tester' };
  const slept = await withDatabase(
    { settings, asOf: null, signal: new AbortController().signal },
    ({ client }) =>
      withTransaction(client, async () => {
        await query(seeded.url, 'select pg_sleep(1.2)'); // Idle in the transaction of the command, meanwhile.
        const { rows } = await client.query<{ done: string }>(`select 'done' as done from pg_sleep(1.2)`);
        return rows[0]?.done;
      }),
  );
  expect(slept).toBe('done');
  await hosted.drop();
});

const impatient = {
  statement_timeout: '400ms',
  transaction_timeout: '700ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '50ms',
  idle_session_timeout: '50ms',
};

test('no timeout of a server ends migrations, seeds, imports, jobs or a month', async () => {
  const hosted = await createTestDatabase('empty');
  const { major = 0 } =
    (
      await query<{ major: number }>(
        seeded.url,
        `select current_setting('server_version_num')::int / 10000 as major`,
      )
    )[0] ?? {};
  for (const [setting, value] of Object.entries(impatient)) {
    if (setting !== 'transaction_timeout' || major >= 17) {
      await query(seeded.url, `alter database ${hosted.name} set ${setting} = '${value}'`);
    }
  }
  await run(hosted, ['db', 'migrate']);
  await run(hosted, ['fixtures', 'seed', '--users', '150', '--yes']);
  await run(hosted, ['jobs', 'reset-anniversaries', '--no-sync'], [0, 75]);
  await run(
    hosted,
    ['reconcile', '--month', '2026-10', '--export', join(folder, 'vapi-calls-2026-10.json')],
    [3],
  );
  await run(hosted, ['doctor'], [0, 3]);
  await hosted.drop();
});

test('a timeout that strikes before a session can set its own is named, with where it is set', async () => {
  const hosted = await copyTestDatabase(seeded);
  await query(seeded.url, `alter database ${hosted.name} set statement_timeout = '200ms'`);
  const client = new pg.Client(hosted.url);
  await client.connect();
  await client.query('begin');
  await client.query('lock table quota.schema_migrations in access exclusive mode');
  const { code, stderr } = await runCli(['user', 'list'], { env: { DATABASE_URL: hosted.url } });
  await client.query('rollback');
  await client.end();
  expect([code, stderr]).toEqual([78, expect.stringContaining('statement_timeout of the server stopped it')]);
  expect(stderr).toContain('alter role');
  await hosted.drop();
});

test('a server that takes no changes is named as such, and nothing ends as a bug', async () => {
  const standby = await copyTestDatabase(seeded);
  await query(seeded.url, `alter database ${standby.name} set default_transaction_read_only = on`);
  const reset = ['user', 'reset', 'demo-exceeded', '--reason', 'test', '--yes', '--no-sync', '--as-of', asOf];
  const { code, stderr } = await runCli(reset, { env: { DATABASE_URL: standby.url } });
  expect([code, stderr]).toEqual([78, expect.stringContaining('primary server')]);
  await run(standby, ['user', 'show', 'demo-exceeded', '--json']);
  await standby.drop();
});
