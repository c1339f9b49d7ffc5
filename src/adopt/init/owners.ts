import { quoted } from '../expression.ts';
import { joined } from './column-value.ts';
import type { ReadTable } from './read-table.ts';
import type { SurveyedColumn } from './survey-store.ts';
import { plainName } from './words.ts';

/** What one row of a table is called: of `learners` a `learner`. */
const singular = (plain: string) => plain.replace(/ies$/, 'y').replace(/(ss|us)$|s$/, '$1');

/** Whether a column leads to a table: by a foreign key, else by its name. */
export const leadsTo = (column: SurveyedColumn, { relation, plain }: ReadTable): boolean =>
  column.references === null
    ? new RegExp(`^${singular(plain)}(_?(id|uuid|uid|ref|key|code|no|number))?$`).test(plainName(column.name))
    : column.references.relation === relation;

/** Whose the rows of a table are, as it says by itself: by a name, by what leads to the users. */
function ownOwner(table: ReadTable, users: ReadTable): SurveyedColumn | undefined {
  const { columns, foreignKeys, found } = table;
  if (found.user !== undefined) {
    return found.user;
  }
  const led = columns.find((column) => column.sql === undefined && leadsTo(column, users));
  const key = foreignKeys.find(({ relation }) => relation === users.relation);
  return (
    led ??
    (key && {
      name: key.columns.join(' '),
      type: 'text',
      sql: joined('r', key.columns),
      isNullable: true,
      references: null,
      tells: key.theirs,
    })
  );
}

/** Whose the row is that a row belongs to: of messages that of their conversation. */
function parentsOwner(
  { relation, foreignKeys }: ReadTable,
  tables: readonly ReadTable[],
  users: ReadTable,
): SurveyedColumn | undefined {
  for (const key of foreignKeys) {
    const parent = tables.find((one) => one.relation === key.relation && one.relation !== relation);
    const owner = parent && parent !== users ? ownOwner(parent, users) : undefined;
    if (owner !== undefined) {
      const pairs = key.columns.map(
        (column, index) => `p.${quoted(key.theirs[index] ?? '')} = r.${quoted(column)}`,
      );
      return {
        ...owner,
        sql: `(select ${(owner.sql ?? joined('r', [owner.name])).replaceAll('r."', 'p."')} from ${key.relation} p where ${pairs.join(' and ')})`,
        isNullable: true,
      };
    }
  }
  return undefined;
}

/** Whose the rows of tables are, where no name says so: it leads to the users, or belongs to a row that does. */
export const withOwners = (tables: readonly ReadTable[], users: ReadTable | undefined): ReadTable[] =>
  tables.map((table) => {
    const owner =
      users === undefined || table.relation === users.relation
        ? table.found.user
        : (ownOwner(table, users) ?? parentsOwner(table, tables, users));
    const user = owner ?? table.found.tenant;
    return user === undefined ? table : { ...table, found: { ...table.found, user } };
  });
