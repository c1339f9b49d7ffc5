import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Ground } from './ground.ts';
import { Line } from './line.ts';
import { Phone } from './phone.ts';
import { campaignPlans } from './plans.ts';
import { Shards, shardNames } from './shards.ts';
import type { Step } from './step.ts';

export const bin = resolve('dist/bin/quota.js');
const orphanMsMax = 60_000;
const main = 'quota';
const databases = [main, ...shardNames];
const templateOf = (database: string) => `${database}_template`;

/** Where an episode happens: a server of its own, with the databases of it, a simulated VAPI, a folder for files. */
export class Place implements Ground {
  readonly folder: string;
  readonly shards: Shards;
  /** What VAPI knows of its calls, and has told. */
  phone = new Phone();
  line: Line | undefined;
  vapiUrl = '';
  restarts = 0;
  /** A folder on a disk without room; undefined where none can be made. */
  fullDisk: string | undefined;
  /** Assistants as they were before anything limited them. */
  originals: ReadonlyMap<string, { firstMessage?: unknown; maxDurationSeconds?: unknown }> = new Map();
  #vapi: ChildProcess | undefined;
  /** Where the server listens, and where the line to it does, which can break. */
  readonly #urls = { straight: '', overLine: '' };
  readonly #eyes = new Map<string, pg.Client>();
  /** Somebody has ended the server; sessions of it may answer for a while, until they have noticed. */
  #isStruck = false;

  private constructor(folder: string) {
    this.folder = folder;
    this.shards = new Shards(this);
  }

  static async open(): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'quota-campaign-'));
    await chmod(folder, 0o711); // as root, the server's account must be able to pass
    const place = new Place(folder);
    await place.#quota(['db', 'start']);
    const straight = (await place.#quota(['db', 'url'])).trim();
    await place.#quota(['db', 'migrate']);
    const plans = join(folder, 'plans.json');
    await writeFile(plans, JSON.stringify(campaignPlans));
    await place.#quota(['plan', 'apply', plans, '--reason', 'arranged', '--yes']);
    place.line = await Line.open(join(folder, 'data/postgres-18/.s.PGSQL.5432'));
    const overLine = `postgresql://quota@127.0.0.1:${place.line.port}/${main}?sslmode=disable`;
    Object.assign(place.#urls, { straight, overLine });
    // A process that dies loses nothing that the kernel has: only a machine that dies needs more.
    await place.look('alter system set fsync = off');
    await place.look('select pg_reload_conf()');
    place.fullDisk = await fillDisk(join(folder, 'full'));
    await place.#onTemplate(...shardNames.map((shard) => `create database ${shard} template ${main}`));
    await place.shards.open((words, env) => place.#quota(words, env));
    await place.#onTemplate(
      ...databases.map((database) => `create database ${templateOf(database)} template ${database}`),
    );
    return place;
  }

  /** Databases and a VAPI as on the first day. */
  async begin(seed: number): Promise<void> {
    await this.recover();
    this.phone = new Phone();
    this.shards.begin();
    await Promise.all([
      this.#beginVapi(seed),
      ...databases.map((database) =>
        this.#onTemplate(
          `drop database if exists ${database} with (force)`,
          `create database ${database} template ${templateOf(database)} strategy file_copy`,
        ),
      ),
    ]);
  }

  async #beginVapi(seed: number): Promise<void> {
    await this.#endVapi();
    const words = ['fixtures', 'serve-vapi', '--json', '--seed', String(seed % 1_000_000)];
    this.#vapi = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    for await (const piece of this.#vapi.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      text += piece;
      if (text.includes('}')) {
        break;
      }
    }
    this.vapiUrl = JSON.parse(text).url;
  }

  urlOf(step: Step, database = main): string {
    const isOnLine = step.fault?.kind === 'break' || step.fault?.kind === 'stall';
    return (isOnLine ? this.#urls.overLine : this.#urls.straight).replace(`/${main}?`, `/${database}?`);
  }

  environment(step: Step): NodeJS.ProcessEnv {
    const base = this.baseEnvironment();
    return step.isEmbedded ? base : { ...base, DATABASE_URL: this.urlOf(step) };
  }

  /** The environment of a command that is told of no database. */
  baseEnvironment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      HOME: this.folder,
      QUOTA_DATA_DIR: join(this.folder, 'data'),
      QUOTA_ACTOR: 'campaign',
      QUOTA_ALERT_COMMAND: 'cat >/dev/null',
      PGCONNECT_TIMEOUT: '30', // on a machine that is busy with other things nothing is broken yet
      VAPI_API_KEY: 'vapi-simulator-key',
      VAPI_BASE_URL: this.vapiUrl,
    };
  }

  look<Row extends pg.QueryResultRow = Record<string, string | null>>(
    sql: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    return this.lookIn<Row>(main, sql, values);
  }

  /** Looks at one of the databases past every fault. */
  async lookIn<Row extends pg.QueryResultRow>(
    database: string,
    sql: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    let eyes = this.#eyes.get(database);
    if (eyes === undefined) {
      eyes = await this.connectTo(database, 'campaign eyes');
      await eyes.query(`set timezone = 'UTC'`);
      this.#eyes.set(database, eyes);
    }
    return (await eyes.query<Row>(sql, values)).rows;
  }

  connect(name: string): Promise<pg.Client> {
    return this.connectTo(main, name);
  }

  async connectTo(database: string, name: string): Promise<pg.Client> {
    const connectionString = this.#urls.straight.replace(`/${main}?`, `/${database}?`);
    const client = new pg.Client({ connectionString, application_name: name });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** Asks or tells the simulated VAPI. */
  async vapi<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.vapiUrl}/_sim/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Answer;
  }

  /** Kills the server, or stops it at once. */
  async crash(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
    const pid = Number.parseInt(
      readFileSync(join(this.folder, 'data/postgres-18/postmaster.pid'), 'utf8'),
      10,
    );
    this.#isStruck = true;
    process.kill(pid, signal);
    await delay(1);
  }

  /** Has the server run again, and waits until whatever a dead process has asked for is over. */
  async recover(): Promise<void> {
    const answers = () =>
      this.look('select 1').then(
        () => true,
        () => false,
      );
    if (this.#isStruck || !(await answers())) {
      this.#isStruck = false;
      await this.#closeEyes();
      await this.#quota(['db', 'start']);
      this.restarts += 1;
    }
    const since = performance.now();
    for (;;) {
      const orphans = await this.look(
        `select pid, application_name, state, left(query, 200) as query from pg_stat_activity
         where backend_type = 'client backend' and datname = any ($1)
           and application_name <> 'campaign eyes'`,
        [databases],
      );
      if (orphans.length === 0) {
        return;
      }
      if (performance.now() - since > orphanMsMax) {
        throw new Error(`sessions outlive their process: ${JSON.stringify(orphans)}`);
      }
      await delay(20);
    }
  }

  async close(): Promise<void> {
    this.line?.close();
    await this.#endVapi();
    await this.#closeEyes();
    await this.#quota(['db', 'stop', '--force']).catch(() => {});
    if (this.fullDisk !== undefined) {
      await promisify(execFile)('umount', [this.fullDisk]).catch(() => {});
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  /** The last lines that the server has written. */
  async serverLog(): Promise<string> {
    const log = await readFile(join(this.folder, 'data/postgres-18.log'), 'utf8').catch(() => '');
    return log.split('\n').slice(-40).join('\n');
  }

  async #endVapi(): Promise<void> {
    if (this.#vapi !== undefined && this.#vapi.exitCode === null) {
      const exit = once(this.#vapi, 'exit');
      this.#vapi.kill('SIGTERM');
      await exit;
    }
  }

  async #onTemplate(...statements: string[]): Promise<void> {
    await this.#closeEyes();
    const client = await this.connectTo('template1', 'campaign');
    try {
      for (const statement of statements) {
        await client.query(statement);
      }
    } finally {
      await client.end();
    }
  }

  async #closeEyes(): Promise<void> {
    const all = [...this.#eyes.values()];
    this.#eyes.clear();
    await Promise.all(all.map((eyes) => eyes.end().catch(() => {})));
  }

  /** A command that nothing strikes, on the embedded server. */
  async #quota(words: readonly string[], env = this.baseEnvironment()): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [bin, ...words], { env });
    return stdout;
  }
}

/** A small disk with nothing free, where this may be made: as root. */
async function fillDisk(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  } catch {
    return undefined;
  }
  await writeFile(join(folder, 'everything'), Buffer.alloc(1 << 20)).catch(() => {});
  return folder;
}
