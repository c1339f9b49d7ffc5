import type { QueryResultRow } from 'pg';
import {
  type SimulatorOptions,
  startVapiSimulator,
  type VapiSimulator,
} from '../../fixtures/vapi-simulator/server.ts';
import { withClient } from '../../src/db/client.ts';
import { createTestDatabase, query } from '../database.ts';
import { type CliOptions, type CliResult, runCli } from '../run-cli.ts';

/** A database and a simulated VAPI whose assistants belong to users of the plan voice-free. */
export interface LimitsWorld {
  url: string;
  simulator: VapiSimulator;
  env: Record<string, string>;
  /** The assistants of a user at the provider. */
  assistantsOf(user: string): string[];
  /** Runs a command at an instant of October 2026 unless `args` say otherwise. */
  cli(args: string[], options?: CliOptions): Promise<CliResult>;
  /** The same, for its JSON. */
  json(args: string[], options?: CliOptions): Promise<{ code: number | null; data: Json; stderr: string }>;
  /** A call of 11 minutes on each user's first assistant, at `asOf`, by plain INSERT. */
  exceed(users: string[]): Promise<void>;
  limits(): Promise<LimitRow[]>;
  sql<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** A statement at an instant. */
  sqlAt<Row extends QueryResultRow>(at: string, text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
export type Json = any;

export interface LimitRow {
  provider: string;
  user: string;
  desired: string;
  status: string;
  change: string;
  original: Record<string, unknown> | null;
  applied: Record<string, unknown> | null;
  intents: unknown[];
  attempts: number;
  error: string | null;
  claimed: boolean;
}

export const asOf = '2026-10-15T12:00:00Z';
export const afterReset = '2026-11-12T00:00:00Z';

/**
 * @param users how many, of `perUser` assistants each, named user_0, user_1 …; all signed up on the 10th.
 */
export async function createLimitsWorld({
  users = 3,
  perUser = 2,
  ...options
}: SimulatorOptions & { users?: number; perUser?: number } = {}): Promise<LimitsWorld> {
  const database = await createTestDatabase();
  const simulator = await startVapiSimulator({ seed: 7, ...options, assistants: users * perUser });
  const sql = <Row extends QueryResultRow>(text: string, values: unknown[] = []) =>
    query<Row>(database.url, text, values);
  const sqlAt = <Row extends QueryResultRow>(at: string, text: string, values: unknown[] = []) =>
    withClient(database.url, async (client) => {
      await client.query(`select set_config('quota.as_of', $1, false)`, [at]);
      return (await client.query<Row>(text, values)).rows;
    });
  const ids = simulator.assistants().map(({ id }) => id);
  const assistantsOf = (user: string) => {
    const index = Number(user.replace('user_', ''));
    return ids.slice(index * perUser, (index + 1) * perUser);
  };
  await sqlAt(
    '2025-01-10T08:00:00Z',
    `with owners as (
       insert into quota.users (external_id, created_at)
       select 'user_' || n, '2025-01-10T08:00:00Z' from generate_series(0, $1::int - 1) n
       returning id, external_id
     ), subscribed as (
       insert into quota.subscriptions (user_id, service, plan) select id, 'voice', 'voice-free' from owners
     )
     insert into quota.assistants (user_id, provider_assistant_id, name)
     select o.id, a.id, a.name
     from unnest($2::text[], $3::text[]) with ordinality a(id, name, n)
     join owners o on o.external_id = 'user_' || ((a.n - 1) / $4::int)`,
    [users, ids, simulator.assistants().map(({ name }) => name), perUser],
  );
  const env = { DATABASE_URL: database.url, VAPI_API_KEY: simulator.apiKey, VAPI_BASE_URL: simulator.url };
  const cli = (args: string[], cliOptions: CliOptions = {}) =>
    runCli([...args, '--quiet', ...(args.includes('--as-of') ? [] : ['--as-of', asOf]), ...fast(args)], {
      ...cliOptions,
      env: { ...env, ...cliOptions.env },
    });
  return {
    url: database.url,
    simulator,
    env,
    assistantsOf,
    cli,
    async json(args, cliOptions) {
      const { code, stdout, stderr } = await cli([...args, '--json'], cliOptions);
      return { code, data: stdout === '' ? undefined : JSON.parse(stdout), stderr };
    },
    async exceed(names) {
      await sqlAt(
        asOf,
        `insert into quota.call_logs (user_id, service, provider, assistant_id, started_at, duration_seconds)
         select u.id, 'voice', 'vapi', 'any', quota.now() - interval '1 hour', 660
         from quota.users u where u.external_id = any ($1)`,
        [names],
      );
    },
    limits: () =>
      sql<LimitRow>(
        `select a.provider_assistant_id as provider, u.external_id as "user", l.desired, l.status, l.change::text,
           l.original, l.applied, l.intents, l.attempts, l.last_error as error, l.claimed_until is not null as claimed
         from quota.assistant_limits l
         join quota.assistants a on a.id = l.assistant_id join quota.users u on u.id = l.user_id
         order by u.external_id, a.name`,
      ),
    sql,
    sqlAt,
    async close() {
      await simulator.stop();
      await database.drop();
    },
  };
}

/** Tests that work at the provider do it as fast as it goes. */
const fast = (args: string[]) =>
  args[0] === 'limits' && args[1] !== 'status' && !args.includes('--rate')
    ? ['--rate', '1000', '--concurrency', '5']
    : [];
