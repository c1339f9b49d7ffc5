import type pg from 'pg';
import type { Environment } from '../context.ts';
import { hasSqlstate } from './database-error.ts';
import { sqlstates } from './sqlstate.ts';

/** What a database says that it is. */
export interface DatabaseMark {
  environment: Environment;
  /** ISO 8601 UTC. */
  markedAt: string;
  markedBy: string;
  login: string;
}

/** Null: nobody has said, or it has no tables yet. */
export async function selectMark(client: pg.ClientBase): Promise<DatabaseMark | null> {
  try {
    const { rows } = await client.query<Omit<DatabaseMark, 'markedAt'> & { markedAt: Date }>(
      `select environment, marked_at as "markedAt", marked_by as "markedBy", login from quota.database_mark`,
    );
    const [mark] = rows;
    return mark === undefined ? null : { ...mark, markedAt: mark.markedAt.toISOString() };
  } catch (error) {
    if (hasSqlstate(error, sqlstates.undefined_table)) {
      return null;
    }
    throw error;
  }
}

/** The same inside a transaction, which an error would end. */
export async function selectMarkIfThere(client: pg.ClientBase): Promise<DatabaseMark | null> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('quota.database_mark') is not null as there`,
  );
  return rows[0]?.there === true ? selectMark(client) : null;
}

/** Says what the database is, with its audit row; in a transaction of the caller. Returns the id of that row. */
export async function upsertMark(
  client: pg.ClientBase,
  environment: Environment,
  reason: string | undefined,
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `with former as (
       select m.environment from quota.database_mark m
     ), marked as (
       insert into quota.database_mark (environment) values ($1)
       on conflict (is_only) do update set environment = excluded.environment, marked_at = excluded.marked_at,
         marked_by = excluded.marked_by, login = excluded.login
       returning environment
     )
     insert into quota.audit_log (action, subject, reason, before, after)
     select 'database.marked', 'database', $2, (select to_jsonb(f) from former f), to_jsonb(m) from marked m
     returning id`,
    [environment, reason ?? null],
  );
  return rows[0]?.id ?? '';
}

/** Puts a mark back as it was, into tables that were made anew. */
export async function restoreMark(client: pg.ClientBase, mark: DatabaseMark): Promise<void> {
  const { environment, markedAt, markedBy, login } = mark;
  await client.query(
    `insert into quota.database_mark (environment, marked_at, marked_by, login) values ($1, $2, $3, $4)`,
    [environment, markedAt, markedBy, login],
  );
}
