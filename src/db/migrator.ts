import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type pg from 'pg';
import { migrations as allMigrations, type Migration } from '../../migrations/index.ts';
import type { Talk } from '../context.ts';
import { cancelOnAbort } from './cancel-on-abort.ts';
import { withClient } from './client.ts';
import { hasSqlstate } from './database-error.ts';
import { notation } from './session-settings.ts';
import { sqlstates } from './sqlstate.ts';

export interface MigrationOptions {
  talk: Pick<Talk, 'info' | 'verbose'>;
  /** Cancels and so rolls back what is under way. */
  signal?: AbortSignal;
  /** Default: all of this version. */
  migrations?: readonly Migration[];
}

/** What a migration works with, all in one transaction. */
export interface Migrator {
  knex: Knex.Transaction;
  /** The connection of that transaction, for what is not knex's. */
  client: pg.Client;
  /** For knex.migrate. */
  source: Knex.MigratorConfig;
}

/** Waiting longer for another migration ends in "try again". */
const turnTimeout = '60s';
/**
 * Whoever waits for a table that is in use keeps everybody out who comes after him: so the app is held up for a moment
 * only, let through, and the whole transaction begins anew. For about a minute, then "try again".
 */
const lockTimeout = '1s';
const attemptsMax = 40;
const pauseMs = 500;

const schemaName = 'quota';
const tableName = 'schema_migrations';

/**
 * Everything happens in one transaction that begins with an advisory lock of its own: a second process waits,
 * a crash rolls back schema and bookkeeping alike, and a transaction is all that PgBouncer must keep together.
 */
export async function withMigrator<T>(
  url: string,
  options: MigrationOptions,
  use: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryOnce(url, options, use);
    } catch (error) {
      if (attempt === attemptsMax || !isBusy(error)) {
        throw error;
      }
      if (attempt === 1) {
        options.talk.info('A table is in use: trying again until it is free.');
      }
      await sleep(pauseMs, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

/** The last one: a row of the catalogue was written by a vacuum at the same moment. */
const isBusy = (error: unknown): boolean =>
  hasSqlstate(error, sqlstates.lock_not_available) ||
  hasSqlstate(error, sqlstates.deadlock_detected) ||
  (hasSqlstate(error, sqlstates.internal_error) && /concurrently updated/.test((error as Error).message));

async function tryOnce<T>(
  url: string,
  options: MigrationOptions,
  use: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted();
  const { default: createKnex } = await import('knex');
  const log = (message: unknown) => options.talk.verbose(String(message));
  const knex = createKnex({
    client: 'pg',
    compileSqlOnError: false, // An error is one sentence, not a thousand lines of SQL before it.
    log: { warn: log, error: log, debug: log, deprecate: log },
  });
  return withClient(
    url,
    (client) =>
      cancelOnAbort(client, options.signal ?? new AbortController().signal, () =>
        knex.transaction(
          async (transaction) => {
            await takeTurn(transaction, options.talk);
            await freeLockRow(transaction);
            return use({
              knex: transaction,
              client,
              source: migratorConfig(options.migrations ?? allMigrations),
            });
          },
          { connection: client },
        ),
      ),
    options.signal,
  );
}

async function takeTurn(transaction: Knex.Transaction, talk: MigrationOptions['talk']): Promise<void> {
  await transaction.raw(
    `set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
     select set_config('transaction_timeout', '0', true) where current_setting('server_version_num')::int >= 170000`,
  );
  await transaction.raw(`set local lock_timeout = '${turnTimeout}'`);
  for (const [setting, value] of Object.entries(notation)) {
    await transaction.raw(`set local ${setting} = '${value}'`);
  }
  const key = `hashtextextended('quota migrations', 0)`;
  const { rows } = await transaction.raw(`select pg_try_advisory_xact_lock(${key}) as locked`);
  if (!rows[0].locked) {
    talk.info('Another process is migrating: waiting for it.');
    await transaction.raw(`select pg_advisory_xact_lock(${key})`);
  }
  await transaction.raw(`set local lock_timeout = '${lockTimeout}'`);
}

/** knex's own lock is a row that sticks when its process dies; under our lock nobody else can hold it. */
async function freeLockRow(transaction: Knex.Transaction): Promise<void> {
  const { rows } = await transaction.raw(`select to_regclass('${schemaName}.${tableName}_lock') as name`);
  if (rows[0].name !== null) {
    await transaction.raw(`update ${schemaName}.${tableName}_lock set is_locked = 0 where is_locked <> 0`);
  }
}

function migratorConfig(migrations: readonly Migration[]): Knex.MigratorConfig {
  return {
    tableName,
    schemaName,
    migrationSource: {
      getMigrations: async () => [...migrations],
      getMigrationName: (migration: Migration) => migration.name,
      getMigration: async (migration: Migration) => migration,
    },
  };
}
