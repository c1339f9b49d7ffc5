import manifest from 'virtual:sql/manifest';
import type { Knex } from 'knex';
import type pg from 'pg';
import { migrations as allMigrations } from '../../migrations/index.ts';
import { tryAgainError } from '../errors.ts';
import { makeCoreRecord, readCoreRecord } from './core/core-record-store.ts';
import { loadCoreSet } from './core/core-set.ts';
import {
  type Installation,
  installCore,
  installFoundation,
  removeCore,
  removeFoundation,
} from './core/install.ts';
import { findBrokenFunctions, installWhatFits } from './core/install-what-fits.ts';
import { recountEverything } from './core/recount-store.ts';
import { restoreMark, selectMarkIfThere } from './mark-store.ts';
import { readApplied, recordHashes } from './migration-record-store.ts';
import { type MigrationOptions, type Migrator, withMigrator } from './migrator.ts';
import { refuseForeignSchema } from './schema-state.ts';
import { keepRoleOutOfSchemaHere } from './search-path-store.ts';

export type { MigrationOptions } from './migrator.ts';

/** Who takes tables away, and why: for the audit log, if there still is one afterwards. */
export interface SchemaChange {
  actor: string;
  reason?: string | undefined;
}

export interface MigrationResult {
  /** Names of the migrations that were applied. */
  applied: string[];
  /** What of the core was made anew; null: it was that of this version already. */
  core: Installation | null;
}

/** Installs the core although its hash is that of this version: what was changed by hand is made as it was. */
export interface MigrateOptions extends MigrationOptions {
  reinstall?: boolean;
}

/**
 * Applies what is pending and installs the core of this version, all of it or nothing.
 * @throws configurationError when the schema is newer than this version, or a migration was edited.
 */
export async function migrate(url: string, options: MigrateOptions): Promise<MigrationResult> {
  return withMigrator(url, options, (migrator) => bringUpToDate(migrator, options));
}

/**
 * Takes back exactly the given migrations, the latest first, all of them or none. The core stays as far as it fits the
 * tables that are left: wholly, or not at all.
 * @param names as `planRollback` returns them.
 * @throws tryAgainError when the schema is no longer the one of the plan.
 */
export async function rollBack(
  url: string,
  names: readonly string[],
  change: SchemaChange,
  options: MigrationOptions,
): Promise<void> {
  await withMigrator(url, options, async ({ knex, client, source }) => {
    const applied = (await readApplied(client)).map(({ name }) => name);
    const last = applied.slice(applied.length - names.length).reverse();
    if (last.join() !== names.join()) {
      throw tryAgainError('the schema was changed by somebody else in the meantime', {
        detail: 'nothing was rolled back',
        suggestion: 'look at quota db status, then try again',
      });
    }
    const set = await loadCoreSet();
    await makeCoreRecord(client);
    const broken = await findBrokenFunctions(client);
    await removeCore(client, set);
    for (const name of names) {
      options.talk.verbose(`rolling back ${name}`);
      await knex.migrate.down({ ...source, name } as Knex.MigratorConfig);
    }
    if (names.length === applied.length) {
      await removeFoundation(client, set);
    } else if (!(await installWhatFits(client, set, broken))) {
      options.talk.info(
        'The functions do not fit the tables that are left: apps cannot use them until the next quota db migrate.',
      );
    }
    await recordChange(client, 'schema.rollback', change, { rolledBack: names });
  });
}

/** Drops the schema with everything in it and makes it anew, in one transaction. */
export async function resetSchema(
  url: string,
  change: SchemaChange,
  options: MigrationOptions,
): Promise<string[]> {
  return withMigrator(url, options, async (migrator) => {
    options.talk.verbose('dropping the schema quota');
    const mark = await selectMarkIfThere(migrator.client);
    await migrator.client.query('drop schema if exists quota cascade');
    const { applied } = await bringUpToDate(migrator, options);
    if (mark !== null) {
      await restoreMark(migrator.client, mark);
    }
    await recordChange(migrator.client, 'schema.reset', change, { applied });
    return applied;
  });
}

async function bringUpToDate(
  { knex, client, source }: Migrator,
  options: MigrateOptions,
): Promise<MigrationResult> {
  await client.query('create schema if not exists quota');
  await keepRoleOutOfSchemaHere(client);
  const known = options.migrations ?? allMigrations;
  const before = await readApplied(client);
  const record = await readCoreRecord(client);
  const core = record?.sha256 ?? null;
  refuseForeignSchema({ migrations: before, core }, { migrations: known, core: manifest.core });
  const isPending = known.some(({ name }) => !before.some((applied) => applied.name === name));
  if (!isPending && core === manifest.core && options.reinstall !== true) {
    return { applied: [], core: null };
  }
  const set = await loadCoreSet();
  await installFoundation(client, set);
  const [, applied] = (await knex.migrate.latest(source)) as [number, string[]];
  for (const name of applied) {
    options.talk.verbose(`applied ${name}`);
  }
  await recordHashes(client, known);
  await makeCoreRecord(client);
  const installation = await installCore(client, set);
  if (record !== null && record.sha256 === null) {
    options.talk.verbose('counting what was written since the rollback');
    await recountEverything(client);
  }
  return { applied, core: installation };
}

async function recordChange(
  client: pg.ClientBase,
  action: string,
  { actor, reason }: SchemaChange,
  after: object,
): Promise<void> {
  const { rows } = await client.query(`select to_regclass('quota.audit_log') as name`);
  if (rows[0].name !== null) {
    await client.query(
      `insert into quota.audit_log (actor, action, subject, reason, after) values ($1, $2, 'schema', $3, $4)`,
      [actor, action, reason ?? null, JSON.stringify(after)],
    );
  }
}
