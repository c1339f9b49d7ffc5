import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { databaseUrl, templateDatabase } from './template-database.ts';

export interface TestDatabase {
  name: string;
  url: string;
  drop(): Promise<void>;
}

/** A database of its own for a test file: migrated, or `empty`. */
export const createTestDatabase = (kind: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> =>
  createFrom(kind === 'migrated' ? templateDatabase : 'template1');

/** A copy of a database that nobody is connected to: arranged once, changed by every test. */
export const copyTestDatabase = ({ name }: TestDatabase): Promise<TestDatabase> => createFrom(name);

async function createFrom(template: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = databaseUrl(inject('serverUrl'), name);
  await letGo(databaseUrl(inject('serverUrl'), template));
  await onServer(`create database ${name} template ${template} strategy file_copy`);
  pools.set(url, poolOf(url));
  return {
    name,
    url,
    drop: async () => {
      await letGo(url);
      pools.delete(url);
      await onServer(`drop database if exists ${name} with (force)`);
    },
  };
}

/** The name of sessions that arrange and look: who asks for those of others leaves them out. */
export const application = 'desk';

/** The sessions that `query` has kept, of each database that was made here. */
const pools = new Map<string, pg.Pool>();

/** Sessions of a database that arrange and look. */
export function poolOf(connectionString: string, max = 100): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    idleTimeoutMillis: 60_000, // a command in between takes longer on a busy machine than the ten seconds of pg
    application_name: application,
    allowExitOnIdle: true,
  });
  return pool.on('error', () => {});
}

/** Ends the sessions that are kept on a database, so that it can be copied or dropped. */
async function letGo(url: string): Promise<void> {
  const pool = pools.get(url);
  if (pool !== undefined) {
    pools.set(url, poolOf(url));
    await pool.end();
  }
}

/**
 * Runs statements on a database, for arranging and looking, as in a session of their own. On a database that was made
 * here it is kept: to begin one takes the server longer than most of what is asked in it.
 */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const pool = pools.get(url);
  if (pool === undefined) {
    return await queryAlone<Row>(url, sql, values);
  }
  const client = await pool.connect();
  let isAsNew = false;
  try {
    const { rows } = await client.query<Row>(sql, values);
    // Where it cannot forget what was set in it, as in the middle of a transaction, it is ended.
    isAsNew = await client.query('discard all').then(
      () => true,
      () => false,
    );
    return rows;
  } finally {
    client.release(!isAsNew);
  }
}

async function queryAlone<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[],
): Promise<Row[]> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

async function onServer(sql: string): Promise<void> {
  const url = inject('serverUrl');
  if (!pools.has(url)) {
    pools.set(url, poolOf(url));
  }
  await query(url, sql);
}
