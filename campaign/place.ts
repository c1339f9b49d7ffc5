import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { Line } from './line.ts';

export const bin = resolve('dist/bin/quota.js');
const orphanMsMax = 60_000;
const template = 'campaign_template';

/** Where an episode happens: a server of its own, with the database `quota`, a simulated VAPI, a folder for files. */
export class Place {
  readonly folder: string;
  url = '';
  /** The same database, over a line that can break. */
  lineUrl = '';
  line: Line | undefined;
  vapiUrl = '';
  restarts = 0;
  /** A folder on a disk without room; undefined where none can be made. */
  fullDisk: string | undefined;
  /** Assistants as they were before anything limited them. */
  originals: ReadonlyMap<string, { firstMessage?: unknown; maxDurationSeconds?: unknown }> = new Map();
  #vapi: ChildProcess | undefined;
  #eyes: pg.Client | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'quota-campaign-'));
    await chmod(folder, 0o711); // as root, the server's account must be able to pass
    const place = new Place(folder);
    await place.#quota('db', 'start');
    place.url = (await place.#quota('db', 'url')).trim();
    await place.#quota('db', 'migrate');
    place.line = await Line.open(join(folder, 'data/postgres-18/.s.PGSQL.5432'));
    place.lineUrl = `postgresql://quota@127.0.0.1:${place.line.port}/quota?sslmode=disable`;
    // A process that dies loses nothing that the kernel has: only a machine that dies needs more.
    await place.look('alter system set fsync = off');
    await place.look('select pg_reload_conf()');
    place.fullDisk = await fillDisk(join(folder, 'full'));
    await place.#onTemplate(`create database ${template} template quota`);
    return place;
  }

  /** A database and a VAPI as on the first day. */
  async begin(seed: number): Promise<void> {
    await this.recover();
    await this.#onTemplate('drop database quota with (force)', `create database quota template ${template}`);
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

  /** The environment of a command. */
  environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      HOME: this.folder,
      QUOTA_DATA_DIR: join(this.folder, 'data'),
      QUOTA_ACTOR: 'campaign',
      QUOTA_ALERT_COMMAND: 'cat >/dev/null',
      VAPI_API_KEY: 'vapi-simulator-key',
      VAPI_BASE_URL: this.vapiUrl,
      DATABASE_URL: this.url,
    };
  }

  /** Looks at the database past every fault. */
  async look<Row extends pg.QueryResultRow = Record<string, string | null>>(
    sql: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    if (this.#eyes === undefined) {
      this.#eyes = await this.connect('campaign eyes');
      await this.#eyes.query(`set timezone = 'UTC'`);
    }
    return (await this.#eyes.query<Row>(sql, values)).rows;
  }

  async connect(name: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url, application_name: name });
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
    process.kill(pid, signal);
    await delay(1);
  }

  /** Has the server run again, and waits until whatever a dead process has asked for is over. */
  async recover(): Promise<void> {
    const isUp = await this.look('select 1').then(
      () => true,
      () => false,
    );
    if (!isUp) {
      await this.#eyes?.end().catch(() => {});
      this.#eyes = undefined;
      await this.#quota('db', 'start');
      this.restarts += 1;
    }
    const since = performance.now();
    for (;;) {
      const orphans = await this.look(
        `select pid, application_name, state, left(query, 200) as query from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid() and datname = 'quota'`,
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
    await this.#eyes?.end().catch(() => {});
    await this.#quota('db', 'stop', '--force').catch(() => {});
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
    await this.#eyes?.end();
    this.#eyes = undefined;
    const client = new pg.Client(this.url.replace('/quota?', '/template1?'));
    client.on('error', () => {});
    await client.connect();
    try {
      for (const statement of statements) {
        await client.query(statement);
      }
    } finally {
      await client.end();
    }
  }

  /** A command that nothing strikes, on the embedded server. */
  async #quota(...words: string[]): Promise<string> {
    const { DATABASE_URL: _, ...env } = this.environment();
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
