import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbedded } from '../src/db/embedded/session.ts';
import { migrate } from '../src/db/migrations.ts';

/** An embedded server of its own, with the settings that users have, in a folder that goes with it. */
export interface BenchServer {
  folder: string;
  urlOf(database: string): string;
  /** Runs statements on one of its databases. */
  on(database: string, sql: string): Promise<Record<string, unknown>[]>;
  /** Makes a database with the tables of quota. */
  createMigrated(name: string): Promise<void>;
}

export async function withBenchServer(use: (server: BenchServer) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'quota-bench-'));
  await chmod(folder, 0o711); // As root, the account of the server must be able to pass.
  const session = await openEmbedded({ dataDir: join(folder, 'data') });
  try {
    await use(benchServer(folder, session.url));
  } finally {
    await session.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
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
  return { folder, urlOf, on, createMigrated };
}
