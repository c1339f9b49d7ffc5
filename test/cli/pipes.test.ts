import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { fakeProcess, runCli } from '../run-cli.ts';

const tables = 1500;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
  await query(
    database.url,
    `do $$ begin
       create schema quota;
       for n in 1..${tables} loop execute format('create table quota.a_table_with_a_long_name_%s ()', n); end loop;
     end $$`,
  );
});
afterAll(() => database.drop());

/** More than a pipe holds. */
const longOutput = ['db', 'reset', '--dry-run', '--quiet', '--output', 'json'];

const start = () =>
  spawn(process.execPath, [resolve('dist/bin/quota.js'), ...longOutput], {
    env: { DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

test('output longer than a pipe arrives whole at a slow reader', async () => {
  const pipeline = [
    '-c',
    '"$@" | (sleep 1; cat)',
    'sh',
    process.execPath,
    resolve('dist/bin/quota.js'),
    ...longOutput,
  ];
  const shell = spawn('sh', pipeline, { env: { DATABASE_URL: database.url, PATH: process.env.PATH } });
  const output = await text(shell.stdout);
  expect(output.length).toBeGreaterThan(65_536);
  expect(JSON.parse(output).dropped).toHaveLength(tables);
});

test('a reader that leaves is no error', async () => {
  const child = start();
  const closed = new Promise((settle) => child.on('close', settle));
  child.stdout.destroy();
  expect(await text(child.stderr)).toBe('');
  expect(await closed).toBe(0);
});

test('Ctrl-C at a question ends with 130 and changes nothing', async () => {
  const env = { DATABASE_URL: database.url };
  const { code, stdout } = await runCli(['db', 'reset'], { env, tty: true, input: '\u0003' });
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(await query(database.url, `select to_regnamespace('quota') is not null as there`)).toEqual([
    { there: true },
  ]);
});

test('a signal at a question does the same', async () => {
  const { main } = await import('../../src/cli/main.ts');
  const { process, signal, stderr } = fakeProcess(['db', 'reset'], {
    env: { DATABASE_URL: database.url },
    tty: true,
  });
  const code = main(process);
  await expect.poll(stderr).toContain('Drop every table');
  signal('SIGTERM');
  expect(await code).toBe(143);
});
