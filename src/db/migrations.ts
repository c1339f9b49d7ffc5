import type { Knex } from 'knex';
import type pg from 'pg';
import { migrations as allMigrations, type Migration } from '../../migrations/index.ts';
import type { Talk } from '../context.ts';
import { tryAgainError } from '../errors.ts';
import { sendCancelRequest } from './cancel-on-abort.ts';
import { clientConfig } from './client.ts';
import { compareSchema, newerSchemaError, type SchemaState } from './schema-state.ts';

export interface MigrationOptions {
  talk: Pick<Talk, 'info' | 'verbose'>;
  /** Cancels and so rolls back what is under way. */
  signal?: AbortSignal;
  /** Default: all of this version. */
  migrations?: readonly Migration[];
}

/** Who takes tables away, and why: for the audit log, if there still is one afterwards. */
export interface SchemaChange {
  actor: string;
  reason?: string | undefined;
}

/** Waiting longer for another migration, or for a table in use, ends in "try again". */
const lockTimeout = '60s';
const tableName = 'schema_migrations';
const schemaName = 'quota';

/**
 * Applies what is pending, all of it or nothing.
 * @returns the names that were applied.
 * @throws configurationError when the schema is newer than this version.
 */
export async function migrate(url: string, options: MigrationOptions): Promise<string[]> {
  return withMigrator(url, options, async (transaction, source) =>
    applyPending(transaction, source, options),
  );
}

/**
 * Takes back exactly the given migrations, the latest first, all of them or none.
 * @param names as `planRollback` returns them.
 * @throws tryAgainError when the schema is no longer the one of the plan.
 */
export async function rollBack(
  url: string,
  names: readonly string[],
  change: SchemaChange,
  options: MigrationOptions,
): Promise<void> {
  await withMigrator(url, options, async (transaction, source) => {
    const applied = await appliedNames(transaction);
    const last = applied.slice(applied.length - names.length).reverse();
    if (last.join() !== names.join()) {
      throw tryAgainError('the schema was changed by somebody else in the meantime', {
        detail: 'nothing was rolled back',
        suggestion: 'look at quota db status, then try again',
      });
    }
    for (const name of names) {
      options.talk.verbose(`rolling back ${name}`);
      await transaction.migrate.down({ ...source, name } as Knex.MigratorConfig);
    }
    await recordChange(transaction, 'schema.rollback', change, { rolledBack: names });
  });
}

/** Drops the schema with everything in it and makes it anew, in one transaction. */
export async function resetSchema(
  url: string,
  change: SchemaChange,
  options: MigrationOptions,
): Promise<string[]> {
  return withMigrator(url, options, async (transaction, source) => {
    options.talk.verbose('dropping the schema quota');
    await transaction.raw('drop schema if exists quota cascade');
    const applied = await applyPending(transaction, source, options);
    await recordChange(transaction, 'schema.reset', change, { applied });
    return applied;
  });
}

async function applyPending(
  transaction: Knex.Transaction,
  source: Knex.MigratorConfig,
  options: MigrationOptions,
) {
  await transaction.raw('create schema if not exists quota');
  const known = (options.migrations ?? allMigrations).map(({ name }) => name);
  if (stateOf(await appliedNames(transaction), known) === 'newer') {
    throw newerSchemaError();
  }
  const [, applied] = (await transaction.migrate.latest(source)) as [number, string[]];
  for (const name of applied) {
    options.talk.verbose(`applied ${name}`);
  }
  return applied;
}

const stateOf = (applied: readonly string[], known: readonly string[]): SchemaState =>
  compareSchema(applied, [...known]);

/**
 * Everything happens in one transaction that begins with an advisory lock of its own: a second process waits,
 * a crash rolls back schema and bookkeeping alike, and a transaction is all that PgBouncer must keep together.
 */
async function withMigrator<T>(
  url: string,
  options: MigrationOptions,
  use: (transaction: Knex.Transaction, source: Knex.MigratorConfig) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted();
  const { default: createKnex } = await import('knex');
  const log = (message: unknown) => options.talk.verbose(String(message));
  let cancel = () => {};
  const knex = createKnex({
    client: 'pg',
    connection: { ...clientConfig, connectionString: url },
    compileSqlOnError: false, // An error is one sentence, not a thousand lines of SQL before it.
    pool: {
      min: 0,
      max: 1,
      afterCreate: (client: pg.Client, done: (error?: Error) => void) => {
        cancel = () => sendCancelRequest(client);
        options.signal?.addEventListener('abort', cancel);
        done();
      },
    },
    log: { warn: log, error: log, debug: log, deprecate: log },
  });
  try {
    return await knex.transaction(async (transaction) => {
      await takeLock(transaction, options.talk);
      await freeLockRow(transaction);
      return use(transaction, migratorConfig(options.migrations ?? allMigrations));
    });
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    await knex.destroy();
  }
}

async function takeLock(transaction: Knex.Transaction, talk: MigrationOptions['talk']): Promise<void> {
  await transaction.raw(`set local lock_timeout = '${lockTimeout}'`);
  await transaction.raw('set local statement_timeout = 0');
  await transaction.raw('set local idle_in_transaction_session_timeout = 0');
  const key = `hashtextextended('quota migrations', 0)`;
  const { rows } = await transaction.raw(`select pg_try_advisory_xact_lock(${key}) as locked`);
  if (!rows[0].locked) {
    talk.info('Another process is migrating: waiting for it.');
    await transaction.raw(`select pg_advisory_xact_lock(${key})`);
  }
}

/** knex's own lock is a row that sticks when its process dies; under our lock nobody else can hold it. */
async function freeLockRow(transaction: Knex.Transaction): Promise<void> {
  const { rows } = await transaction.raw(`select to_regclass('${schemaName}.${tableName}_lock') as name`);
  if (rows[0].name !== null) {
    await transaction.raw(`update ${schemaName}.${tableName}_lock set is_locked = 0 where is_locked <> 0`);
  }
}

async function recordChange(
  transaction: Knex.Transaction,
  action: string,
  { actor, reason }: SchemaChange,
  after: object,
): Promise<void> {
  const { rows } = await transaction.raw(`select to_regclass('quota.audit_log') as name`);
  if (rows[0].name !== null) {
    await transaction.raw(
      `insert into quota.audit_log (actor, action, subject, reason, after) values (?, ?, 'schema', ?, ?)`,
      [actor, action, reason ?? null, JSON.stringify(after)],
    );
  }
}

/** In the order they were applied. */
async function appliedNames(transaction: Knex.Transaction): Promise<string[]> {
  const { rows: tables } = await transaction.raw(`select to_regclass('${schemaName}.${tableName}') as name`);
  if (tables[0].name === null) {
    return [];
  }
  const { rows } = await transaction.raw(`select name from ${schemaName}.${tableName} order by id`);
  return rows.map((row: { name: string }) => row.name);
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
