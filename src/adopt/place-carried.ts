import type { PlanProblem } from '../allowances/files/plan-document.ts';
import { type Carried, type CarriedKind, carriedFields } from './carried.ts';
import type { AppDatabase } from './remote/app-database.ts';
import { findTable, tryCondition, tryValue } from './try-value.ts';

/** State of the app as SQL over the row `r`. */
export interface PlacedCarried {
  kind: CarriedKind;
  of: string;
  relation: string;
  where: string | null;
  /** An expression of the type of each field; null where nothing is mapped. */
  fields: Record<string, string | null>;
}

/** Holds what is carried over against the database; null, with problems, where its table cannot be read. */
export async function placeCarried(
  app: AppDatabase,
  carried: Carried,
  timezone: string,
  problems: PlanProblem[],
): Promise<PlacedCarried | null> {
  const table = await findTable(app, carried, problems);
  if (table === null) {
    return null;
  }
  const fields: Record<string, string | null> = {};
  for (const [name, type] of Object.entries(carriedFields[carried.kind].types)) {
    const value = carried.fields[name];
    const tried = value && (await tryValue(app, table, value, type, value.timezone ?? timezone, problems));
    fields[name] = tried?.expression ?? null;
  }
  await tryCondition(app, table, [...carried.path, 'where'], carried.where, problems);
  const { kind, of, where = null } = carried;
  return { kind, of, relation: table.relation, where, fields };
}
