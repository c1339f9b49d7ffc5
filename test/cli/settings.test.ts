import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings, type SettingSources } from '../../src/cli/settings.ts';
import { QuotaError } from '../../src/errors.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync('/tmp/quota-test-settings-');
});
afterAll(() => rmSync(directory, { recursive: true }));

const read = (sources: Partial<SettingSources> = {}) =>
  readSettings({ env: {}, platform: 'linux', cwd: directory, ...sources });

function problemsOf(sources: Partial<SettingSources>): QuotaError {
  try {
    read(sources);
  } catch (error) {
    if (error instanceof QuotaError) {
      return error;
    }
  }
  throw new Error('the settings were accepted');
}

test('defaults', () => {
  expect(read({ env: { XDG_DATA_HOME: '/data' } })).toEqual({
    environment: 'development',
    schedules: {},
    databaseUrl: undefined,
    dataDir: '/data/quota',
    sourceUrls: {},
    redisUrl: undefined,
    vapiApiKey: undefined,
    vapiBaseUrl: 'https://api.vapi.ai',
    actor: userInfo().username,
    currency: 'USD',
  });
});

test('flag > environment > env file > default; an empty variable is not set', () => {
  const url = (name: string) => `postgres://${name}@db/app`;
  writeFileSync(
    join(directory, 'env'),
    `DATABASE_URL="${url('file')}"\nQUOTA_ENV=test # comment\nQUOTA_ACTOR=file\n`,
  );
  const env = { DATABASE_URL: url('environment'), QUOTA_ACTOR: '' };
  expect(read({ envFile: 'env', env, databaseUrl: url('flag') }).databaseUrl).toBe(url('flag'));
  expect(read({ envFile: 'env', env }).databaseUrl).toBe(url('environment'));
  expect(read({ envFile: 'env' }).databaseUrl).toBe(url('file'));
  expect(read({ envFile: 'env', env })).toMatchObject({ environment: 'test', actor: 'file' });
  expect(read({ env: { QUOTA_DATA_DIR: 'here' } }).dataDir).toBe(join(directory, 'here'));
});

test.each([
  'postgres://u:p@host:5432/db',
  'postgresql://u@/db?host=%2Frun%2Fpostgresql',
  'postgres:///db?host=/run/postgresql',
])('%s is a database URL', (url) => {
  expect(read({ databaseUrl: url }).databaseUrl).toBe(url);
});

test('a replica is that of a database that is named', () => {
  const url = 'postgres://u@db/app';
  const replica = 'postgres://u@replica/app';
  expect(read({ databaseUrl: url, env: { QUOTA_REPLICA_URL: replica } }).replicaUrl).toBe(replica);
  expect(read({ env: { PGHOST: 'db', QUOTA_REPLICA_URL: replica } }).replicaUrl).toBe(replica);
  expect(problemsOf({ env: { QUOTA_REPLICA_URL: replica } }).detail).toBe(
    'QUOTA_REPLICA_URL is set, and DATABASE_URL is not: what is it a replica of?',
  );
});

test('every problem is told at once, secrets in none of them', () => {
  const error = problemsOf({
    envFile: 'missing',
    databaseUrl: 'mysql://root:hunter22@db/app',
    env: {
      QUOTA_ENV: 'prod',
      VAPI_BASE_URL: 'api.vapi.ai',
      VAPI_API_KEY: 'secret key',
      REDIS_URL: 'hunter22',
      QUOTA_ACTOR: 'a\u001b[2Jb',
    },
  });
  expect(error).toMatchObject({ exitCode: 78, message: '7 settings are wrong' });
  expect(error.detail?.split('\n')).toEqual([
    expect.stringContaining('--env-file missing cannot be read'),
    'QUOTA_ENV is "prod", not one of development, test, production',
    '--database-url is not a URL like postgres://user:password@host:5432/database',
    'REDIS_URL is not a URL like redis://host:6379',
    'VAPI_API_KEY holds spaces or characters that no key has',
    'VAPI_BASE_URL is not a URL like https://api.vapi.ai',
    'QUOTA_ACTOR is not a name of 1 to 200 printable characters',
  ]);
  expect(JSON.stringify(error)).not.toMatch(/hunter22|secret key/);
});
