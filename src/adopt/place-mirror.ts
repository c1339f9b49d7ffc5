import type pg from 'pg';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { literal } from './expression.ts';
import type { Mirror } from './mapping.ts';
import { beside } from './remote/app-database.ts';
import { type AppTable, figuresRelation, tryExpression } from './table-store.ts';
import { databaseMessage, tryValue, unknownColumn } from './try-value.ts';

/** A table of the app whose columns follow ours, as SQL over its row `r` and our figures `q`. */
export interface PlacedMirror {
  meter: string;
  relation: string;
  user: string;
  /** Where that is a column as it is. */
  userColumn: { name: string; type: string } | null;
  at: string;
  set: { column: string; expression: string }[];
}

/** A table whose columns follow, as SQL over the row `r` and our figures `q`. */
export async function placeMirror(
  client: pg.ClientBase,
  mirror: Mirror,
  table: AppTable,
  timezone: string,
  problems: PlanProblem[],
): Promise<PlacedMirror[]> {
  const before = problems.length;
  const { meter, path, user, at, columns } = mirror;
  if (table.kind !== 'r' && table.kind !== 'p') {
    problems.push({
      path: [...path, 'table'],
      message: `${table.relation} is no table: its columns cannot follow`,
    });
  } else if (!table.mayTrigger || !table.mayUpdate) {
    problems.push({
      path: [...path, 'table'],
      message: `this login may not write to it: grant select, update, trigger on ${table.relation} to …`,
    });
  }
  const named = await tryValue(beside(client), table, user, 'text', timezone, problems);
  const instant = at && (await tryValue(beside(client), table, at, 'timestamptz', timezone, problems));
  const set: { column: string; expression: string }[] = [];
  for (const [column, { path: place, sql }] of Object.entries(columns)) {
    const type = table.columns[column];
    if (type === undefined) {
      problems.push({ path: place, message: unknownColumn(table, column) });
    } else if (table.primaryKey.includes(column)) {
      problems.push({
        path: place,
        message: `${column} is of the primary key: it tells rows apart, and cannot follow`,
      });
    } else if (table.generated.includes(column)) {
      problems.push({ path: place, message: `${column} is made by the server: nobody may write it` });
    } else {
      const expression = table.naive.includes(column)
        ? `((${sql}\n)::timestamptz at time zone ${literal(timezone)})::${type}`
        : `(${sql}\n)::${type}`;
      await tryMirrored(client, expression, place, problems);
      set.push({ column, expression });
    }
  }
  return problems.length > before
    ? []
    : [
        {
          meter,
          relation: table.relation,
          user: named?.expression ?? '',
          userColumn:
            user.column !== undefined && user.values === undefined
              ? { name: user.column, type: table.columns[user.column] ?? 'text' }
              : null,
          at: instant?.expression ?? 'null::timestamptz',
          set,
        },
      ];
}

async function tryMirrored(
  client: pg.ClientBase,
  expression: string,
  path: Path,
  problems: PlanProblem[],
): Promise<void> {
  try {
    const { volatile } = await tryExpression(client, figuresRelation, expression, 'q');
    if (volatile.length > 0) {
      problems.push({
        path,
        message: `${volatile.join(', ')} has a side effect, or answers otherwise each time`,
      });
    }
  } catch (error) {
    problems.push({ path, message: databaseMessage(error) });
  }
}
