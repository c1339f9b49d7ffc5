import type { PlanProblem } from '../allowances/files/plan-document.ts';
import type { Mapping } from './mapping.ts';
import type { AppDatabase } from './remote/app-database.ts';
import type { PlacedSource } from './row-expression.ts';
import { selectInBoth } from './table-store.ts';
import { databaseMessage } from './try-value.ts';

/** Rows that two sources of the same calls would count, each. */
export async function checkOverlaps(
  { client }: AppDatabase,
  sources: readonly PlacedSource[],
  problems: PlanProblem[],
): Promise<void> {
  // A condition that cannot be asked is a problem already.
  const isAsked = ({ source }: PlacedSource) =>
    !problems.some(({ path }) => path.join('.') === [...source.path, 'where'].join('.'));
  const calls = sources.filter((one) => one.source.kind === 'calls' && isAsked(one));
  for (const [index, { source, table }] of calls.entries()) {
    const twins = calls
      .slice(0, index)
      .filter(
        (other) =>
          other.table.relation === table.relation &&
          other.source.fields.service?.constant === source.fields.service?.constant,
      );
    for (const { source: twin } of twins) {
      const rows = await inBoth(client, table.relation, source.where ?? 'true', twin.where ?? 'true');
      if (rows > 0) {
        problems.push({
          path: [...source.path, 'where'],
          message: `${rows} of its rows are the calls of "${twin.name}", too: they would be counted twice`,
        });
      }
    }
  }
}

async function inBoth(client: AppDatabase['client'], relation: string, first: string, second: string) {
  try {
    return await selectInBoth(client, relation, [first, second]);
  } catch (error) {
    // What a row cannot be asked is said where all that is read is tried on some.
    databaseMessage(error);
    return 0;
  }
}

/** A column can follow one figure only. */
export function checkMirroredTwice({ mirrors }: Mapping, problems: PlanProblem[]): void {
  const seen = new Set<string>();
  for (const { schema, table, columns } of mirrors) {
    for (const [column, { path }] of Object.entries(columns)) {
      const name = JSON.stringify([schema, table, column]);
      if (seen.has(name)) {
        problems.push({ path, message: `${column} follows another figure already` });
      }
      seen.add(name);
    }
  }
}
