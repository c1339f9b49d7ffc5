import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { isServerError } from '../db/database-error.ts';
import { nearestName } from '../files/nearest-name.ts';
import { fieldExpression, rawExpression } from './expression.ts';
import type { MappedValue } from './mapped-value.ts';
import type { AppDatabase } from './remote/app-database.ts';
import { tryReadOnly } from './remote/trial-store.ts';
import { type AppTable, selectTable, tryExpression } from './table-store.ts';

/** A table that a mapping names, if this login may read it; null with a problem, else. */
export async function findTable(
  { client, remote }: AppDatabase,
  { path, schema, table }: { path: Path; schema: string; table: string },
  problems: PlanProblem[],
): Promise<AppTable | null> {
  const found = await selectTable(client, schema, table);
  if (/^(pg_.*|information_schema)$/.test(schema) || (remote === null && /^quota(_adopt)?$/.test(schema))) {
    problems.push({
      path: [...path, 'table'],
      message: `the schema "${schema}" is of ${schema.startsWith('quota') ? 'quota' : 'the server'}: it has no tables of an app`,
    });
    return null;
  }
  if (found === null) {
    problems.push({
      path: [...path, 'table'],
      message: `there is no table "${table}" in the schema "${schema}"`,
    });
  } else if (!found.mayRead) {
    problems.push({ path: [...path, 'table'], message: `this login may not read ${found.relation}` });
    return null;
  } else if (found.hidesRows) {
    problems.push({
      path: [...path, 'table'],
      message: `row security may hide rows of ${found.relation} from this login: they would not be counted; let it have bypassrls, or a policy that shows it all`,
    });
  }
  return found;
}

export function unknownColumn(table: AppTable, column: string): string {
  const nearest = nearestName(column, Object.keys(table.columns));
  const meant = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  return `there is no column "${column}" in ${table.relation}${meant}`;
}

/** What the server says of an expression. @throws whatever is no answer of the server */
export function databaseMessage(error: unknown): string {
  if (!isServerError(error)) {
    throw error;
  }
  return error.message;
}

/** A value as SQL over the row `r`; a problem, and nothing, where it cannot be. */
export async function tryValue(
  app: AppDatabase,
  table: AppTable,
  value: MappedValue,
  type: string,
  timezone: string,
  problems: PlanProblem[],
): Promise<{ given: string; expression: string } | undefined> {
  const fail = (message: string) => {
    problems.push({ path: value.path, message });
    return undefined;
  };
  if (value.column !== undefined && table.columns[value.column] === undefined) {
    return fail(unknownColumn(table, value.column));
  }
  const tried = (expression: string) =>
    (app.remote === null ? tryExpression : tryReadOnly)(app.client, table.relation, expression);
  try {
    const { type: given, volatile, returnsSet, isWindow } = await tried(rawExpression(value));
    if (volatile.length > 0) {
      return fail(`${volatile.join(', ')} has a side effect, or answers otherwise each time`);
    }
    if (isWindow) {
      return fail('looks at several rows at once: a row is read by itself');
    }
    if (returnsSet) {
      return fail('answers with several rows');
    }
    const expression = fieldExpression(value, given, type, timezone);
    await tried(expression);
    return { given, expression };
  } catch (error) {
    return fail(databaseMessage(error));
  }
}

export async function tryCondition(
  app: AppDatabase,
  table: AppTable,
  path: Path,
  where: string | undefined,
  problems: PlanProblem[],
): Promise<void> {
  if (where === undefined) {
    return;
  }
  const tried = await tryValue(app, table, { path, sql: where }, 'boolean', 'UTC', problems);
  if (tried !== undefined && tried.given !== 'boolean') {
    problems.push({ path, message: `is ${tried.given}: a condition is true or false` });
  }
}
