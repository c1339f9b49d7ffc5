import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { type CliOptions, runCli } from '../run-cli.ts';

const names = migrations.map(({ name }) => name);
const last = names.at(-1);

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const run = (args: string, options: CliOptions = {}) =>
  runCli(args.split(' '), { ...options, env: { DATABASE_URL: database.url, ...options.env } });
const runJson = async (args: string) => JSON.parse((await run(`${args} --json`)).stdout);
const users = () => query(database.url, 'select external_id from quota.users');
const production = { QUOTA_ENV: 'production' };

test('migrate: a plan, then the same plan, then nothing to do', async () => {
  expect(await runJson('db reset --yes')).toMatchObject({ dryRun: false });
  expect(await runJson('db rollback --all --yes')).toEqual({
    dryRun: false,
    rolledBack: [...names].reverse(),
  });
  expect(await runJson('db migrate --dry-run')).toMatchObject({
    dryRun: true,
    applied: [],
    pending: names,
    core: { state: 'pending' },
  });
  expect((await runJson('db status')).schema.state).toBe('missing');
  expect(await runJson('db migrate')).toMatchObject({
    dryRun: false,
    applied: names,
    pending: [],
    core: { state: 'installed', dropped: [] },
  });
  expect(await run('db migrate')).toEqual({
    code: 0,
    stdout: 'The tables and functions are up to date.\n',
    stderr: '',
  });
});

test('a newer schema is refused with 78, and told by status', async () => {
  await query(
    database.url,
    `insert into quota.schema_migrations (name, batch, migration_time) values ('9000_x', 2, now())`,
  );
  for (const args of ['db migrate', 'db migrate --dry-run', 'db rollback --yes']) {
    expect(await run(args)).toMatchObject({ code: 78, stdout: '', stderr: expect.stringContaining('newer') });
  }
  expect((await runJson('db status')).schema).toMatchObject({ state: 'newer', unknown: ['9000_x'] });
});

test.each(['db rollback', 'db reset'])('%s changes nothing without leave', async (args) => {
  await query(database.url, `insert into quota.users (external_id) values ('ada')`);
  expect(await run(args)).toMatchObject({ code: 5, stdout: '' });
  expect(await run(args, { env: production })).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('--confirm'),
  });
  expect(await run(`${args} --yes`, { env: production })).toMatchObject({ code: 5 });
  expect(await run(`${args} --confirm other`, { env: production })).toMatchObject({ code: 5 });
  expect(await run(args, { tty: true, input: 'n\n' })).toMatchObject({ code: 5 });
  expect(await run(args, { env: production, tty: true, input: 'yes\n' })).toMatchObject({ code: 5 });
  expect(await run(`${args} --dry-run`, { env: production })).toMatchObject({ code: 0 });
  expect(await users()).toEqual([{ external_id: 'ada' }]);
});

test('with --json a refusal is JSON and nothing else', async () => {
  const { code, stdout, stderr } = await run('db reset --json');
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  expect(JSON.parse(stderr)).toMatchObject({
    error: { code: 'refused', suggestion: expect.stringContaining('--yes') },
  });
});

test('in production the typed name of the database is the leave', async () => {
  await query(database.url, `insert into quota.users (external_id) values ('ada')`);
  const answer = await run('db reset', { env: production, tty: true, input: `${database.name}\n` });
  expect(answer).toMatchObject({ code: 0, stderr: expect.stringContaining('in production. Type') });
  expect(await users()).toEqual([]);
  expect(await run(`db reset --confirm ${database.name}`, { env: production })).toMatchObject({ code: 0 });
});

test('reset tells what is lost', async () => {
  await query(
    database.url,
    `insert into quota.users (external_id) select 'user ' || n from generate_series(1, 50) n`,
  );
  await query(database.url, 'analyze quota.users');
  const { dryRun, database: name, dropped, applied } = await runJson('db reset --dry-run');
  expect({ dryRun, name, applied }).toEqual({ dryRun: true, name: database.name, applied: [] });
  expect(dropped).toContainEqual({ table: 'users', rows: '50' });
});

test('rollback --to keeps what it names', async () => {
  expect(await run(`db rollback --to ${last} --yes`)).toMatchObject({
    code: 0,
    stdout: 'Nothing to roll back.\n',
  });
  expect(await run('db rollback --to 9999_other --yes')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining(String(last)),
  });
});

test('the embedded server: made on demand, started to stay, stopped', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'quota-test-commands-'));
  chmodSync(dataDir, 0o711); // as root, the server's account must be able to pass
  const embedded = async (args: string) => {
    const { code, stdout } = await runCli([...args.split(' '), '--json'], {
      env: { QUOTA_DATA_DIR: dataDir },
    });
    return { code, ...JSON.parse(stdout) };
  };
  try {
    expect(await embedded('db status')).toMatchObject({
      embedded: { state: 'not initialised' },
      schema: { state: 'missing' },
    });
    expect(existsSync(join(dataDir, 'postgres-18'))).toBe(false);
    expect(await embedded('db migrate')).toMatchObject({ code: 0, applied: names });
    await expect.poll(() => existsSync(join(dataDir, 'postgres-18', 'postmaster.pid'))).toBe(false);
    expect(await embedded('db status')).toMatchObject({
      embedded: { state: 'stopped' },
      schema: { state: 'current' },
    });
    const { url, pid, state, stays } = await embedded('db start');
    expect({ state, stays }).toEqual({ state: 'running', stays: true });
    expect(await embedded('db status')).toMatchObject({ embedded: { state: 'running', pid } });
    expect(await embedded('db url')).toEqual({ code: 0, url });
    expect(await query(url, 'select count(*)::int as users from quota.users')).toEqual([{ users: 0 }]);
    expect(await embedded('db stop')).toEqual({ code: 0, outcome: 'stopped', clients: 0 });
    expect(await embedded('db stop')).toEqual({ code: 0, outcome: 'not running', clients: 0 });
  } finally {
    await embedded('db stop --force');
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
});

test('the password of a DATABASE_URL is in no output', async () => {
  const secret = database.url.replace('quota@', 'quota:hunter22@');
  for (const args of [
    'db url',
    'db status',
    'db status --json',
    'db start --database-url x://y:hunter22@z',
  ]) {
    const { stdout, stderr } = await run(args, { env: { DATABASE_URL: secret } });
    expect(stdout + stderr).not.toContain('hunter22');
  }
});
