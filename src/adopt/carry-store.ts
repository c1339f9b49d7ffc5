import type pg from 'pg';
import { withSnapshot } from '../db/transaction.ts';
import { carriedFields } from './carried.ts';
import type { PlacedCarried } from './place-carried.ts';
import type { AppDatabase } from './remote/app-database.ts';
import { countsExpression } from './row-expression.ts';

/** Rows of a table of the app as one JSON array of their fields, and how many are taken over by a function of ours. */
async function carry(
  client: pg.ClientBase,
  app: AppDatabase,
  { kind, relation, where, fields }: PlacedCarried,
  take: string,
  values: readonly unknown[],
): Promise<number> {
  const columns = Object.entries(carriedFields[kind].types).map(
    ([name, type]) => `${fields[name] ?? `null::${type}`} as "${name}"`,
  );
  const told = `select jsonb_agg(to_jsonb(t)) as told
       from (select ${columns.join(', ')} from ${relation} r where ${countsExpression({ where })}) t`;
  if (app.remote !== null) {
    return carryRemote(client, app, told, take, values);
  }
  const { rows } = await client.query<{ taken: number | null }>(
    `select ${take} as taken from (
       ${told}
     ) s where s.told is not null`,
    [...values],
  );
  return rows[0]?.taken ?? 0;
}

async function carryRemote(
  client: pg.ClientBase,
  app: AppDatabase,
  told: string,
  take: string,
  values: readonly unknown[],
): Promise<number> {
  const read = await withSnapshot(app.client, () =>
    app.client.query<{ told: string | null }>(`select s.told::text as told from (${told}) s`),
  );
  const { rows } = await client.query<{ taken: number | null }>(
    `select ${take} as taken from (select $${values.length + 1}::jsonb as told) s where s.told is not null`,
    [...values, read.rows[0]?.told ?? null],
  );
  return rows[0]?.taken ?? 0;
}

/** Custom limits: those of now, and those of periods that are over. */
export const carryLimits = (
  client: pg.ClientBase,
  app: AppDatabase,
  placed: PlacedCarried,
): Promise<number> => carry(client, app, placed, 'quota.carry_limits($1, s.told)', [placed.of]);

/** Marks of alerts that were read. */
export const carryAlerts = (
  client: pg.ClientBase,
  app: AppDatabase,
  placed: PlacedCarried,
): Promise<number> => carry(client, app, placed, 'quota.carry_alerts($1, s.told)', [placed.of]);

/** Users whom the app has limited, since when. */
export const carryEnforced = (
  client: pg.ClientBase,
  app: AppDatabase,
  placed: PlacedCarried,
): Promise<number> => carry(client, app, placed, 'quota.carry_enforced($1, s.told)', [placed.of]);

/**
 * What assistants had before the app limited them.
 * @param limitable fields that a limit may have changed
 */
export const carryOriginals = (
  client: pg.ClientBase,
  app: AppDatabase,
  placed: PlacedCarried,
  limitable: readonly string[],
): Promise<number> => carry(client, app, placed, 'quota.carry_originals(s.told, $1)', [limitable]);
