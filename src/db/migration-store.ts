import type pg from 'pg';
import { migrations } from '../../migrations/index.ts';
import { notFoundError, usageError } from '../errors.ts';
import { compareSchema, newerSchemaError, type SchemaState } from './schema-state.ts';

export interface AppliedMigration {
  name: string;
  /** Migrations applied by one `quota db migrate` share a batch. */
  batch: number;
  /** ISO 8601 UTC. */
  appliedAt: string;
}

export interface SchemaStatus {
  state: SchemaState;
  applied: AppliedMigration[];
  /** Names of this version that the database lacks. */
  pending: string[];
  /** Names in the database that this version does not know. */
  unknown: string[];
}

/** What `quota db status` tells of the schema. */
export const readSchemaStatus = async (client: pg.ClientBase): Promise<SchemaStatus> =>
  schemaStatus(await readApplied(client));

/** @param applied null: the database has no table of migrations. */
export function schemaStatus(applied: AppliedMigration[] | null): SchemaStatus {
  const names = applied?.map(({ name }) => name) ?? [];
  const known = migrations.map(({ name }) => name);
  return {
    state: compareSchema(names),
    applied: applied ?? [],
    pending: known.filter((name) => !names.includes(name)),
    unknown: names.filter((name) => !known.includes(name)),
  };
}

async function readApplied(client: pg.ClientBase): Promise<AppliedMigration[] | null> {
  const { rows: tables } = await client.query(`select to_regclass('quota.schema_migrations') as name`);
  if (tables[0].name === null) {
    return null;
  }
  const { rows } = await client.query<{ name: string; batch: number; applied_at: Date }>(
    'select name, batch, migration_time as applied_at from quota.schema_migrations order by id',
  );
  return rows.map(({ name, batch, applied_at }) => ({ name, batch, appliedAt: applied_at.toISOString() }));
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
export function planRollback({ state, applied }: SchemaStatus, { all, to }: RollbackScope): string[] {
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
