import { manifest } from 'virtual:sql/manifest';
import type { Knex } from 'knex';
import type pg from 'pg';
import { migrations as allMigrations } from '../../migrations/index.ts';
import { configurationError, tryAgainError } from '../errors.ts';
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
import { recountEverything, renewPatterns } from './core/recount-store.ts';
import { type RoleState, selectLostRoles } from './core/roles-store.ts';
import { restoreMark, selectMarkIfThere } from './mark-store.ts';
import { readApplied, recordHashes } from './migration-record-store.ts';
import { type MigrationOptions, type Migrator, withMigrator } from './migrator.ts';
import { dropCallKeys } from './partition/call-keys-store.ts';
import { refuseForeignSchema } from './schema-state.ts';
import { makeSchema } from './schema-store.ts';
import { keepRoleOutOfSchemaHere } from './search-path-store.ts';
import { selectEncoding } from './server-store.ts';

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
  /** Roles that were given their rights, and those that are still missing. */
  roles: { granted: string[]; missing: string[] };
}

/** Installs the core although its hash is that of this version: what was changed by hand is made as it was. */
export interface MigrateOptions extends MigrationOptions {
  reinstall?: boolean;
}

/**
 * Applies what is pending and installs the core of this version, all of it or nothing.
 * @throws configurationError when the schema is newer than this version, or a migration was edited; where this role may
 * not make the schema, or the database is not in UTF8.
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
      await dropCallKeys(client);
      await removeFoundation(client, set);
    } else if (!(await installWhatFits(client, set, broken))) {
      options.talk.info(
        'The functions do not fit the tables that are left: apps cannot use them until the next quota db migrate.',
      );
    }
    await recordChange(client, 'schema.rollback', change, { rolledBack: names });
  });
}

/**
 * Drops the schema with everything in it and makes it anew, in one transaction.
 * @throws configurationError where this role may not, or the database is not in UTF8
 */
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

/** What is done in tables of a version. */
export interface InTables {
  /** Names of its migrations: those of this version, or fewer. */
  migrations: readonly string[];
  use: (client: pg.Client) => Promise<void>;
}

/**
 * Lets tables be worked on and brings them to this version, all in one transaction: those of an older version, in a database
 * that has none, before that, and without functions and triggers.
 * @throws configurationError where this role may not, or the database is not in UTF8, or has tables and older ones are
 * wanted; and what both functions throw
 */
export async function withMigrated<T>(
  url: string,
  options: MigrationOptions,
  { migrations, use }: InTables,
  afterwards: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withMigrator(url, options, async (migrator) => {
    const { client } = migrator;
    const isOlder = migrations.length < allMigrations.length;
    await (isOlder ? makeOlderTables(migrator, migrations) : bringUpToDate(migrator, options));
    await use(client);
    if (isOlder) {
      await bringUpToDate(migrator, options);
    }
    return afterwards(client);
  });
}

async function makeOlderTables({ knex, client, source }: Migrator, names: readonly string[]): Promise<void> {
  await requireNoTables(client);
  await requireUnicode(client);
  await makeSchema(client);
  await installFoundation(client, await loadCoreSet());
  const older = allMigrations.filter(({ name }) => names.includes(name));
  const migrationSource = { ...source.migrationSource, getMigrations: async () => [...older] };
  await knex.migrate.latest({ ...source, migrationSource } as Knex.MigratorConfig);
}

/** @throws configurationError where the database has tables of quota, so that older ones have no place */
export async function requireNoTables(client: pg.ClientBase): Promise<void> {
  if ((await readApplied(client)).length > 0) {
    throw configurationError('the backup is of other tables than those of the database: it is older', {
      suggestion:
        'restore it into a database without tables of quota: they are brought to this version there',
    });
  }
}

async function bringUpToDate(
  { knex, client, source }: Migrator,
  options: MigrateOptions,
): Promise<MigrationResult> {
  await requireUnicode(client);
  await makeSchema(client);
  await keepRoleOutOfSchemaHere(client);
  const known = options.migrations ?? allMigrations;
  const before = await readApplied(client);
  const record = await readCoreRecord(client);
  const core = record?.sha256 ?? null;
  refuseForeignSchema({ migrations: before, core }, { migrations: known, core: manifest.core });
  const isPending = known.some(({ name }) => !before.some((applied) => applied.name === name));
  const lost = await selectLostRoles(client);
  if (!isPending && core === manifest.core && options.reinstall !== true) {
    if (lost.length === 0) {
      return { applied: [], core: null, roles: { granted: [], missing: [] } };
    }
    await installCore(client, await loadCoreSet());
    return { applied: [], core: null, roles: await rolesFound(client, lost) };
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
  const users = await renewPatterns(client);
  if (users > 0) {
    options.talk.verbose(`counted calls of ${users} users on meters that now have their models`);
  }
  return { applied, core: installation, roles: await rolesFound(client, lost) };
}

/** Of roles that had no rights, which have them now, and which are not there. */
async function rolesFound(
  client: pg.ClientBase,
  lost: readonly RoleState[],
): Promise<MigrationResult['roles']> {
  const missing = (await selectLostRoles(client)).map(({ role }) => role);
  const granted = lost.map(({ role }) => role).filter((role) => !missing.includes(role));
  return { granted, missing };
}

/** @throws configurationError in a database that cannot hold every text: names come in all scripts. */
async function requireUnicode(client: pg.ClientBase): Promise<void> {
  const { encoding, database } = await selectEncoding(client);
  if (encoding !== 'UTF8') {
    throw configurationError(`the database ${database} is encoded in ${encoding}, not in UTF8`, {
      detail: 'names and reasons in other scripts could not be stored; nothing was done',
      suggestion: `make one that is: create database quota encoding 'UTF8' template template0`,
    });
  }
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
