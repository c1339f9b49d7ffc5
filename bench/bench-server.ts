import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbedded } from '../src/db/embedded/session.ts';
import { migrate } from '../src/db/migrations.ts';
import { workOf } from './processor-time.ts';
import type { QuotaProcess } from './quota-process.ts';

/** An embedded server of its own, with the settings that users have, in a folder that goes with it. */
export interface BenchServer {
  folder: string;
  urlOf(database: string): string;
  /** Runs statements on one of its databases. */
  on(database: string, sql: string): Promise<Record<string, unknown>[]>;
  /** Makes a database with the tables of quota. */
  createMigrated(name: string): Promise<void>;
  /**
   * The seconds that work takes: by the clock; or of the processor, in this process, in the sessions of the server that it
   * opens and closes, and in what it says that another process took.
   */
  secondsOf(by: 'clock' | 'processor', work: () => Promise<unknown>): Promise<number>;
}

export async function withBenchServer(use: (server: BenchServer) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
  await chmod(folder, 0o711); // As root, the account of the server must be able to pass.
  const session = await openEmbedded({ dataDir: join(folder, 'data') });
  const clear = async () => {
    await session.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  // Somebody has seen enough: neither the server nor its folder stays.
  const onSignal = () => void clear().finally(() => process.exit(130));
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) {
    process.once(signal, onSignal);
  }
  try {
    await use(benchServer(folder, session.url));
  } finally {
    for (const signal of signals) {
      process.off(signal, onSignal);
    }
    await clear();
  }
}

function benchServer(folder: string, url: string): BenchServer {
  const urlOf = (database: string) => url.replace(/\/quota\?/, `/${database}?`);
  const on = async (database: string, sql: string) => {
    const client = new pg.Client(urlOf(database));
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const createMigrated = async (name: string) => {
    await on('quota', `create database ${name} template template1`);
    await migrate(urlOf(name), { talk: { info: () => {}, verbose: () => {} } });
  };
  const secondsOf = async (by: 'clock' | 'processor', work: () => Promise<unknown>) => {
    const begin = performance.now();
    if (by === 'clock') {
      await work();
      return (performance.now() - begin) / 1000;
    }
    await on('quota', 'alter system set autovacuum = off');
    await on('quota', 'select pg_reload_conf()');
    const { serverSeconds, nodeSeconds, result } = await workOf(join(folder, 'data'), work);
    const { processorSeconds = 0 } = (result ?? {}) as Partial<QuotaProcess>;
    return serverSeconds + nodeSeconds + processorSeconds;
  };
  return { folder, urlOf, on, createMigrated, secondsOf };
}
