import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVapiSimulator } from '../../../fixtures/vapi-simulator/server.ts';
import type { VapiSimulator } from '../../../fixtures/vapi-simulator/simulator.ts';
import { query } from '../../database.ts';
import { useFolder } from '../../desk/folder.ts';
import { runCli } from '../../run-cli.ts';
import { type OtherMajor, otherVersions } from './binaries.ts';
import { startPostgres } from './postgres-server.ts';

const asOf = ['--as-of', '2026-11-15T12:00:00Z'];
const folder = useFolder();

interface Journey {
  server: string;
  answers: Record<string, unknown>;
}

/** The way of a company through a month, on one server; what it is told on the way. */
async function journey(major: OtherMajor | undefined): Promise<Journey> {
  const server = await startPostgres(major === undefined ? {} : { major });
  const vapi = await startVapiSimulator();
  try {
    await server.run('create database app');
    const url = server.url('app');
    const env = { DATABASE_URL: url, VAPI_API_KEY: vapi.apiKey, VAPI_BASE_URL: vapi.url };
    const run = async (expected: readonly number[], ...words: string[]) => {
      const { code, stdout, stderr } = await runCli([...words, '--json'], { env });
      expect([words.join(' '), expected.includes(code ?? -1), code, stderr]).toEqual([
        words.join(' '),
        true,
        code,
        expect.not.stringContaining('error'),
      ]);
      return JSON.parse(stdout);
    };
    const bills = join(folder.place, `${major ?? 'own'}`);
    await run([0], 'db', 'migrate');
    const seed = [
      '--users',
      '40',
      '--export',
      'vapi-calls',
      '--export-dir',
      bills,
      '--differences',
      'unlogged=2',
    ];
    const { checksum } = await run([0], 'fixtures', 'seed', ...seed, '--yes', ...asOf);
    await stockVapi(vapi, url);
    const reset = ['user', 'reset', 'demo-exceeded', '--reason', 'test', '--yes'];
    const answers = {
      checksum,
      reset: (await run([0, 75], ...reset, ...asOf)).meters,
      limits: (await run([0, 75], 'limits', 'sync', ...asOf)).applied,
      resets: (await run([0, 75], 'jobs', 'reset-anniversaries', ...asOf)).reset,
      rolledUp: (await run([0], 'jobs', 'roll-up-analytics', ...asOf)).done,
      bill: await run(
        [3],
        'reconcile',
        '--month',
        '2026-10',
        '--export',
        join(bills, 'vapi-calls-2026-10.json'),
        ...asOf,
      ),
      users: await run([0], 'user', 'list', ...asOf),
      usage: await run([0], 'usage', 'analytics', '--from', '2026-10-01', ...asOf),
      verified: (await run([0], 'audit', 'verify', ...asOf)).ok,
      doctor: (await run([0], 'doctor', ...asOf)).differences,
    };
    const { schema, database } = await run([0], 'db', 'status');
    expect(schema).toMatchObject({ state: 'current', changed: [] });
    return { server: database.serverVersion, answers: withoutIds(answers) };
  } finally {
    await vapi.stop();
    await server.stop();
  }
}

/** The assistants of the seed, as VAPI has them. */
async function stockVapi(vapi: VapiSimulator, url: string): Promise<void> {
  const assistants = await query<{ id: string }>(
    url,
    'select provider_assistant_id as id from quota.assistants order by 1',
  );
  vapi.putAssistants(assistants.map(({ id }) => ({ id, maxDurationSeconds: 300, firstMessage: 'Hello' })));
}

/** What is made anew everywhere is not compared. */
const withoutIds = (answers: Record<string, unknown>): Record<string, unknown> =>
  JSON.parse(
    JSON.stringify(answers, (key, value) =>
      /^(?:id|auditId|durationMs|matchedAt|createdAt|reconciledAt|cursor)$/.test(key) ? undefined : value,
    ).replaceAll(/"source":"[^"]*\//g, '"source":"'),
  );

let own: Journey;
beforeAll(async () => {
  own = await journey(undefined);
});
afterAll(() => {
  expect(own.server).toMatch(/^18\./);
});

test.each(Object.keys(otherVersions).map(Number))('PostgreSQL %i answers as 18 does', async (major) => {
  const other = await journey(major as OtherMajor);
  expect(other.server).toMatch(new RegExp(`^${major}\\.`));
  expect(own.answers).toMatchObject({
    verified: true,
    doctor: 0,
    checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(other.answers).toEqual(own.answers);
});
