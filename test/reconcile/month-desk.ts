import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { copyRows } from '../../src/db/copy.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { runCli } from '../run-cli.ts';
import type { MadeMonth } from './made-month.ts';

/** When the month is reconciled, unless a test says otherwise. */
export const asOf = '2027-06-01T00:00:00Z';

/** A database of its own with the users, assistants and logs of a month, and the command line on it. */
export interface MonthDesk {
  url: string;
  run(...args: string[]): ReturnType<typeof runCli>;
  /** Runs a command that must end with `code`, and gives its JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they please
  json(code: number, ...args: string[]): Promise<any>;
  /** `reconcile resolve` of a kind of October 2026, the month of the sample, with leave. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  resolve(code: number, kind: string, as: string, reason: string): Promise<any>;
  query: <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) => Promise<Row[]>;
  drop(): Promise<void>;
}

export async function openDesk(): Promise<MonthDesk> {
  const database = await createTestDatabase();
  return deskOf(database);
}

function deskOf(database: TestDatabase): MonthDesk {
  const env = { DATABASE_URL: database.url };
  const run = (...args: string[]) =>
    runCli(args.includes('--as-of') ? args : [...args, '--as-of', asOf], { env, cwd: process.cwd() });
  const json = async (code: number, ...args: string[]) => {
    const result = await run(...args, '--json');
    if (result.code !== code) {
      throw new Error(`quota ${args.join(' ')} ended with ${result.code}: ${result.stderr}${result.stdout}`);
    }
    return JSON.parse(result.stdout === '' ? result.stderr : result.stdout);
  };
  return {
    url: database.url,
    run,
    json,
    resolve: (code, kind, as, reason) => {
      const what = ['--month', '2026-10', '--kind', kind, '--as', as, '--reason', reason];
      return json(code, 'reconcile', 'resolve', ...what, '--yes');
    },
    query: (sql, values) => query(database.url, sql, values),
    drop: () => database.drop(),
  };
}

/** Loads the users, assistants and logs of a month; the logs in the order in which they come. */
export async function loadMonth(desk: Pick<MonthDesk, 'url'>, made: MadeMonth): Promise<void> {
  const client = new pg.Client(desk.url);
  await client.connect();
  try {
    await copyRows(
      client,
      { table: 'quota.users', columns: ['external_id', 'created_at'] },
      made.users.map((user) => [user, '2024-01-15T00:00:00Z']),
    );
    const { rows } = await client.query<{ id: string; external_id: string }>(
      'select id, external_id from quota.users',
    );
    const ids = new Map(rows.map(({ id, external_id }) => [external_id, id]));
    await copyRows(
      client,
      { table: 'quota.assistants', columns: ['user_id', 'provider_assistant_id'] },
      made.assistants.map(({ id, user }) => [ids.get(user) ?? null, id]),
    );
    await copyRows(
      client,
      {
        table: 'quota.call_logs',
        columns: [
          'user_id',
          'service',
          'provider',
          'provider_call_id',
          'assistant_id',
          'status',
          'started_at',
          'ended_at',
          'duration_seconds',
          'cost',
          'metadata',
        ],
      },
      made.logs.map((log) => [
        ids.get(log.user) ?? null,
        'voice',
        'vapi',
        log.callId,
        log.assistant,
        log.status,
        new Date(log.startedMs).toISOString(),
        log.status === 'active' ? null : new Date(log.startedMs + log.durationMs).toISOString(),
        log.status === 'active' ? null : log.durationMs / 1000,
        (log.cost / 10_000).toFixed(4),
        { kind: log.kind },
      ]),
    );
  } finally {
    await client.end();
  }
}

/** Loads the sample month of the fixtures. */
export async function loadSample(desk: MonthDesk, folder = 'fixtures/voice-2026-10'): Promise<void> {
  for (const [kind, name] of [
    ['users', 'users'],
    ['assistants', 'assistants'],
    ['call-logs', 'call_logs'],
  ]) {
    await desk.json(0, 'import', kind ?? '', `${process.cwd()}/${folder}/${name}.csv`);
  }
}

/** Writes lines to a file and returns its path. */
export function writeLines(folder: string, name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
