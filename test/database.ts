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
  await onServer(`create database ${name} template ${template} strategy file_copy`);
  return {
    name,
    url: databaseUrl(inject('serverUrl'), name),
    drop: () => onServer(`drop database if exists ${name} with (force)`),
  };
}

/** Runs statements on a database, for arranging and looking. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
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
  await query(inject('serverUrl'), sql);
}
