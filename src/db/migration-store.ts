import { manifest } from 'virtual:sql/manifest';
import type pg from 'pg';
import { notFoundError, usageError } from '../errors.ts';
import { type ChangedObject, findChangedObjects } from './core/changed-objects.ts';
import { type CoreRecord, readCoreRecord } from './core/core-record-store.ts';
import { type AppliedMigration, readApplied } from './migration-record-store.ts';
import { compareSchema, editedMigrations, newerSchemaError, type SchemaState } from './schema-state.ts';

export interface SchemaStatus {
  state: SchemaState;
  applied: AppliedMigration[];
  /** Names of this version that the database lacks. */
  pending: string[];
  /** Names in the database that this version does not know. */
  unknown: string[];
  /** Names of applied migrations that are others than those of this version. */
  edited: string[];
  /** sha256 of the functions, triggers, views, policies and rights of this version. */
  wantedCore: string;
  /** Those that the database has; null: none, or those of a version that kept no record. */
  core: CoreRecord | null;
  /** What somebody changed or dropped by hand since then. */
  changed: ChangedObject[];
}

/** What `quota db status` tells of the schema. */
export async function readSchemaStatus(client: pg.ClientBase): Promise<SchemaStatus> {
  const status = schemaStatus(await readApplied(client), await readCoreRecord(client));
  return { ...status, changed: await findChangedObjects(client) };
}

/** Of a database that has these migrations and this core, and where nobody changed anything by hand. */
export function schemaStatus(applied: AppliedMigration[], core: CoreRecord | null): SchemaStatus {
  const names = applied.map(({ name }) => name);
  const known = manifest.migrations.map(({ name }) => name);
  return {
    state: compareSchema({ migrations: applied, core: core?.sha256 ?? null }),
    applied,
    pending: known.filter((name) => !names.includes(name)),
    unknown: names.filter((name) => !known.includes(name)),
    edited: editedMigrations(applied),
    wantedCore: manifest.core,
    core,
    changed: [],
  };
}

export interface RollbackScope {
  /** Default: the last batch. */
  all?: boolean;
  /** Keep this migration and everything before it. */
  to?: string;
}

/**
 * The migrations that a rollback takes back, the latest first.
 * @throws notFoundError when `to` was not applied; configurationError when the schema is newer.
 */
export function planRollback(
  { state, applied }: Pick<SchemaStatus, 'state' | 'applied'>,
  { all, to }: RollbackScope,
): string[] {
  if (all && to !== undefined) {
    throw usageError('--all and --to contradict each other', { suggestion: 'give one of them' });
  }
  if (state === 'newer') {
    throw newerSchemaError();
  }
  const names = applied.map(({ name }) => name);
  if (to !== undefined) {
    const kept = names.indexOf(to);
    if (kept < 0) {
      throw notFoundError(`no migration "${to}" was applied`, {
        suggestion: names.length > 0 ? `applied are ${names.join(', ')}` : 'none was applied yet',
      });
    }
    return names.slice(kept + 1).reverse();
  }
  const lastBatch = Math.max(...applied.map(({ batch }) => batch));
  return applied
    .filter(({ batch }) => all || batch === lastBatch)
    .map(({ name }) => name)
    .reverse();
}

/** The tables of the schema with about how many rows each holds, the largest first. */
export async function estimateTables(client: pg.ClientBase): Promise<{ table: string; rows: string }[]> {
  const { rows } = await client.query<{ table: string; rows: string }>(
    `select c.relname as table, greatest(c.reltuples, s.n_live_tup, 0)::bigint as rows
       from pg_class c left join pg_stat_user_tables s on s.relid = c.oid
      where c.relnamespace = to_regnamespace('quota') and c.relkind in ('r', 'p')
      order by 2 desc, 1`,
  );
  return rows;
}
