import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { version } from '../../package.json' with { type: 'json' };
import { useDesk } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { runBin, runCli } from '../run-cli.ts';

const desk = useDesk();

test('config tells each setting with where it comes from, and no secret', async () => {
  const file = desk.write(
    'prod.env',
    'QUOTA_COMPANY=Acme\nVAPI_API_KEY=key-of-the-file-0815\nQUOTA_ENV=test\n',
  );
  const key = desk.path('alert.key');
  writeFileSync(key, 'the-secret-of-alerts\n', { mode: 0o600 });
  const env = {
    DATABASE_URL: 'postgres://ada:pass-word-of-ada@db.example.com/app',
    QUOTA_ALERT_SECRET_FILE: key,
    QUOTA_REPLICA_URL: 'postgres://ada:pass-word-of-ada@replica.example.com/app',
    QUOTA_COMPANY: '',
  };
  const table = await runCli(['config', '--env-file', file], { env });
  const json = await runCli(['config', '--env-file', file, '--json'], { env });
  expect([table.code, json.code]).toEqual([0, 0]);
  const settings = Object.fromEntries(
    JSON.parse(json.stdout).map((one: { variable: string }) => [one.variable, one]),
  );
  expect(settings).toMatchObject({
    DATABASE_URL: { value: 'postgres://ada:***@db.example.com/app', source: 'DATABASE_URL', isSecret: true },
    QUOTA_REPLICA_URL: { value: 'postgres://ada:***@replica.example.com/app', isSecret: true },
    QUOTA_COMPANY: { value: 'Acme', source: `QUOTA_COMPANY in ${file}` },
    VAPI_API_KEY: { value: '***', source: `VAPI_API_KEY in ${file}`, isSecret: true },
    QUOTA_ALERT_SECRET: { value: '***', source: 'QUOTA_ALERT_SECRET_FILE' },
    QUOTA_ENV: { value: 'test', source: `QUOTA_ENV in ${file}` },
    REDIS_URL: { value: null, source: 'default' },
    VAPI_BASE_URL: { value: 'https://api.vapi.ai', source: 'default' },
  });
  for (const output of [table.stdout, json.stdout]) {
    expect(output).not.toMatch(/pass-word|key-of-the-file|the-secret/);
  }
  const flag = await runCli(['config', '--database-url', 'postgres://eve@other/db', '--json'], { env });
  expect(JSON.parse(flag.stdout)[0]).toMatchObject({ source: '--database-url' });
});

test('version tells the tool, the server and the tables of both; a database that is away is no failure', async () => {
  const [server] = await desk.query<{ server_version: string }>('show server_version');
  const told = await desk.json('version');
  expect(told).toMatchObject({
    tool: version,
    database: { server: server?.server_version, state: 'current', core: told.schema.core },
    problem: null,
  });
  const away = await runCli(['version', '--json'], {
    env: { DATABASE_URL: 'postgres://ada@127.0.0.1:1/app' },
  });
  expect(away.code).toBe(0);
  expect(JSON.parse(away.stdout)).toMatchObject({
    database: null,
    problem: expect.stringContaining('127.0.0.1'),
  });
});

const hasPsql = spawnSync('psql', ['--version']).status === 0;

test.runIf(needs(hasPsql, 'psql'))(
  'db psql is psql on the database of the settings; read only in production',
  async () => {
    const psql = (...words: string[]) =>
      runBin(['db', 'psql', '--', ...words], { env: { ...desk.env, QUOTA_ENV: 'production' } });
    expect(await psql('-Atc', 'select current_database()')).toMatchObject({
      code: 0,
      stdout: `${desk.name}\n`,
    });
    const refused = await psql('-c', 'create table t (id int)');
    expect(refused.stderr).toContain('read-only transaction');
    expect(refused.code).toBe(3);
  },
);

test('db psql without psql, and in another format', async () => {
  const env = { ...desk.env, PATH: desk.path('') };
  expect(await runBin(['db', 'psql'], { env })).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('no psql'),
  });
  expect((await desk.run('db', 'psql', '--json')).code).toBe(5);
});

/** A psql that says what it was given. */
const listing = () => {
  desk.write('psql', '#!/bin/sh\nenv\n');
  chmodSync(desk.path('psql'), 0o755);
  return `${desk.path('')}:${process.env.PATH}`;
};

test('db psql is told all that libpq knows of the transport, and goes nowhere else', async () => {
  const services = desk.write('services.conf', '[elsewhere]\nhost=192.0.2.1\n');
  const url = `${desk.url}${desk.url.includes('?') ? '&' : '?'}sslmode=disable&sslcrl=%2Fetc%2Frevoked%20list.pem&ssl_min_protocol_version=TLSv1.3&pgbouncer=true&options=-c%20work_mem%3D5MB`;
  const env = {
    ...desk.env,
    ...{
      DATABASE_URL: url,
      PATH: listing(),
      PGSERVICE: 'elsewhere',
      PGSERVICEFILE: services,
      PGGSSENCMODE: 'disable',
    },
  };
  const { code, stdout, stderr } = await runBin(['db', 'psql'], { env });
  expect(code, stderr).toBe(0);
  const given = stdout.split('\n').filter((line) => line.startsWith('PG'));
  expect(given).toEqual(
    expect.arrayContaining([
      ...['PGSSLMODE=disable', 'PGSSLCRL=/etc/revoked list.pem', 'PGSSLMINPROTOCOLVERSION=TLSv1.3'],
      ...['PGGSSENCMODE=disable', 'PGOPTIONS=-c work_mem=5MB', `PGDATABASE=${desk.name}`],
    ]),
  );
  expect(given.join(' ')).not.toMatch(/PGSERVICE|PGBOUNCER/);
});
