import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { startVapiSimulator } from '../../fixtures/vapi-simulator/server.ts';
import type { SimulatorOptions, VapiSimulator } from '../../fixtures/vapi-simulator/simulator.ts';
import { withClient } from '../../src/db/client.ts';
import { application, copyTestDatabase, createTestDatabase, poolOf, type TestDatabase } from '../database.ts';
import { snapshot } from '../snapshot.ts';
import { Commands } from './commands.ts';
import { addCalls, addUser, type CallFacts, type UserFacts } from './facts.ts';
import { Folder } from './folder.ts';

export interface DeskOptions {
  /** The instant at which commands work; without one, the real clock. */
  asOf?: string;
  /** A database with the tables (the default), or without. */
  database?: 'migrated' | 'empty';
  /** With a simulated VAPI beside it. */
  vapi?: SimulatorOptions;
  /** Variables of every command. */
  env?: Record<string, string>;
  /** What command lines get besides, such as a rate. */
  besides?: (words: readonly string[]) => readonly string[];
}

/** For what others do any moment now, and long before it is over: an assertion asked so often costs more than the question. */
const waits = { interval: 5, timeout: 60_000 };

/** A session of another process on the database of a desk. */
export interface Session {
  pid: number;
  application: string;
  state: string;
  query: string;
  /** Waits for what another session has locked. */
  waitsForLock: boolean;
  inTransaction: boolean;
}

/** A database, a folder and the command line on both: what a test works with. */
export class Desk extends Commands {
  readonly #options: DeskOptions;
  #opened:
    | { database: TestDatabase; pool: pg.Pool; folder: Folder; vapi: VapiSimulator | undefined }
    | undefined;

  constructor(options: DeskOptions = {}) {
    super(() => ({
      asOf: options.asOf ?? null,
      env: this.env,
      ...(options.besides && { besides: options.besides }),
    }));
    this.#options = options;
  }

  /** Opens it on a database of its own: a new one, or a copy of one that nobody is connected to. */
  async open(model?: TestDatabase): Promise<this> {
    const { database: kind, vapi } = this.#options;
    const database = await (model === undefined ? createTestDatabase(kind) : copyTestDatabase(model));
    const pool = poolOf(database.url, 20);
    this.#opened = {
      database,
      pool,
      folder: new Folder(),
      vapi: vapi === undefined ? undefined : await startVapiSimulator(vapi),
    };
    return this;
  }

  /** Ends its connections, so that the database can be copied. */
  async rest(): Promise<TestDatabase> {
    const { database, pool } = this.#open;
    await pool.end();
    return database;
  }

  async close(): Promise<void> {
    const { database, pool, folder, vapi } = this.#open;
    this.#opened = undefined;
    await vapi?.stop();
    await (pool.ended ? undefined : pool.end());
    await database.drop();
    folder.remove();
  }

  get #open() {
    if (this.#opened === undefined) {
      throw new Error('the desk is not open');
    }
    return this.#opened;
  }

  get url(): string {
    return this.#open.database.url;
  }

  /** The name of its database. */
  get name(): string {
    return this.#open.database.name;
  }

  get vapi(): VapiSimulator {
    const { vapi } = this.#open;
    if (vapi === undefined) {
      throw new Error('the desk has no simulated VAPI');
    }
    return vapi;
  }

  get env(): Record<string, string> {
    const { vapi } = this.#open;
    return {
      DATABASE_URL: this.url,
      ...(vapi && { VAPI_API_KEY: vapi.apiKey, VAPI_BASE_URL: vapi.url }),
      ...this.#options.env,
    };
  }

  /** The path of a file in the folder of the desk. */
  path(name: string): string {
    return this.#open.folder.path(name);
  }

  /** Writes a file into the folder of the desk; its path. */
  write(...file: Parameters<Folder['write']>): string {
    return this.#open.folder.write(...file);
  }

  /** The rows of a statement, at the real clock. */
  query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#statement(null, sql, values);
  }

  /** The rows of a statement in a session whose clock stands at an instant. */
  queryAt<Row extends pg.QueryResultRow>(
    instant: string,
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    return this.#statement(instant, sql, values);
  }

  async #statement<Row extends pg.QueryResultRow>(
    instant: string | null,
    sql: string,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const client = await this.#open.pool.connect();
    try {
      if (instant !== null) {
        await client.query(`select set_config('quota.as_of', $1, false)`, [instant]);
      }
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      // What a statement sets must not reach the next.
      await client.query('reset all').then(
        () => client.release(),
        () => client.release(true),
      );
    }
  }

  /** A session of its own, as another process has: what is set and begun in it ends with it. */
  session<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    return withClient(this.url, use);
  }

  /** Adds a user with assistants; the id. */
  addUser(facts: UserFacts): Promise<string> {
    return addUser(this, facts);
  }

  /** Logs calls as an app does, by a plain insert. */
  addCalls(facts: CallFacts): Promise<void> {
    return addCalls(this, facts);
  }

  /** Every table and sequence by a hash of its content; without sequences, for what is rolled back leaves gaps in them. */
  async snapshot({ sequences = true } = {}): Promise<Record<string, string>> {
    const relations = await snapshot(this.url);
    return Object.fromEntries(
      Object.entries(relations).filter(([name]) => sequences || !name.endsWith('_seq')),
    );
  }

  /** Quotas that are not what their facts sum to: none, whatever happens. */
  differences(): Promise<pg.QueryResultRow[]> {
    const stored = 'select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas';
    const summed = 'select * from quota.usage_from_facts()';
    return this.query(`(${summed} except ${stored}) union all (${stored} except ${summed})`);
  }

  /** What others do on the database at this moment; sessions of the desk itself are not among them. */
  sessions(): Promise<Session[]> {
    return this.query<Session>(
      `select pid, application_name as application, state, query,
         coalesce(wait_event_type = 'Lock', false) as "waitsForLock", xact_start is not null as "inTransaction"
       from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and application_name <> $1`,
      [application],
    );
  }

  /** Waits until another session runs a statement that contains these words. */
  async untilRunning(words: string): Promise<void> {
    await vi.waitUntil(
      async () =>
        (await this.sessions()).some(({ state, query }) => state === 'active' && query.includes(words)),
      waits,
    );
  }

  /** Waits until somebody waits for what another has locked. */
  async untilLocked(): Promise<void> {
    await vi.waitUntil(async () => (await this.sessions()).some(({ waitsForLock }) => waitsForLock), waits);
  }
}

/** Opens a desk for the tests of a file, or of the `describe` around it. */
export function perFile<Kind extends Desk>(desk: Kind): Kind {
  beforeAll(async () => void (await desk.open()));
  afterAll(() => desk.close());
  return desk;
}

/** Opens a desk for each test anew; on a copy of what is arranged, if a database is given once the tests run. */
export function perTest<Kind extends Desk>(desk: Kind, model?: () => TestDatabase): Kind {
  beforeEach(async () => void (await desk.open(model?.())));
  afterEach(() => desk.close());
  return desk;
}

export const useDesk = (options: DeskOptions = {}): Desk => perFile(new Desk(options));

/** A desk for each test. What is arranged is arranged once, and copied. */
export function useDeskPerTest(options: DeskOptions = {}, arrange?: (desk: Desk) => Promise<unknown>): Desk {
  if (arrange === undefined) {
    return perTest(new Desk(options));
  }
  const arranged = perFile(new Desk(options));
  let model: TestDatabase;
  beforeAll(async () => {
    await arrange(arranged);
    model = await arranged.rest();
  });
  return perTest(new Desk(options), () => model);
}
