import type pg from 'pg';
import { lockInTransaction } from '../db/advisory-lock.ts';
import { copyText } from '../db/copy.ts';
import { isPooled } from '../db/pooled-client.ts';
import type { ImportColumn } from './import-kind.ts';

/** A staged line that cannot be loaded. */
export interface LineFault {
  /** 1-based line of the file. */
  line: number;
  /** As the file calls it, or a position in the line; null where the whole line is meant. */
  column: string | null;
  reason: string;
}

/** The lines of a file, good and bad, for the time of the session: nothing of it outlives a crash. */
export async function createStaging(client: pg.ClientBase, columns: readonly ImportColumn[]): Promise<void> {
  const values = columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  await client.query(`
    create temp table import_rows (
      number integer not null, line integer not null, problem_column text, problem text, original text, repeated boolean,
      ${values})`);
}

export async function dropStaging(client: pg.ClientBase): Promise<void> {
  await client.query('drop table if exists import_rows, import_keys, import_existing, import_work');
}

/** Without statistics the joins below would be planned for a handful of lines. */
export async function analyzeStaging(client: pg.ClientBase): Promise<void> {
  await client.query('analyze import_rows');
}

/**
 * Marks lines whose key an earlier line of the file has too: as repeated where they say the same, as a problem
 * where they differ. Lines without the last column of the key have no identity and are left alone.
 */
export async function markRepetitions(
  client: pg.ClientBase,
  key: readonly string[],
  columns: readonly string[],
): Promise<void> {
  const own = key.at(-1);
  const values = (alias: string) => `row(${columns.map((column) => `${alias}.${column}`).join(', ')})`;
  const sameKey = key.map((column) => `o.${column} = d.${column}`).join(' and ');
  await client.query(
    `
    with doubled as (
      select ${key.join(', ')}, min(number) as first_number
      from import_rows where problem is null and ${own} is not null
      group by ${key.join(', ')} having count(*) > 1
    ), later as (
      select o.number, f.line as first_line, ${values('o')} is distinct from ${values('f')} as differs
      from doubled d
      join import_rows o on ${sameKey} and o.problem is null and o.number > d.first_number
      join import_rows f on f.number = d.first_number
    )
    update import_rows r
    set repeated = not l.differs,
      problem_column = case when l.differs then $1 end,
      problem = case when l.differs then format('the same as in line %s, but the rest of the line differs', l.first_line) end
    from later l
    where r.number = l.number`,
    [own],
  );
}

export interface StagedCounts {
  bad: number;
  repeated: number;
}

export async function countStaged(client: pg.ClientBase): Promise<StagedCounts> {
  const { rows } = await client.query<StagedCounts>(`
    select count(*) filter (where problem is not null)::integer as bad,
      count(*) filter (where repeated)::integer as repeated
    from import_rows where problem is not null or repeated`);
  return rows[0] ?? { bad: 0, repeated: 0 };
}

/** The first bad lines, in the order of the file. */
export async function listFaults(client: pg.ClientBase, limit: number): Promise<LineFault[]> {
  const { rows } = await client.query<LineFault>(
    `select line, problem_column as column, problem as reason
    from import_rows where problem is not null order by number limit $1`,
    [limit],
  );
  return rows;
}

/**
 * The bad lines as CSV with a header: `line`, `column`, `reason`, `original`. A cell that a spreadsheet would run
 * as a formula gets an apostrophe, as everywhere in the output.
 */
export const rejectsCsv = (client: pg.ClientBase): AsyncIterable<Buffer> =>
  copyText(
    client,
    `select line, problem_column as column, problem as reason,
      case when original ~ '^[=+@\\t\\r-]' then '''' || original else original end as original
    from import_rows where problem is not null order by number`,
    'csv',
  );

/** Bounds of one import's working memory; hashes may take twice as much. */
const workMemory = '64MB';

/** Settings of a connection that stages and loads many rows. */
export async function tuneSession(client: pg.ClientBase): Promise<void> {
  await client.query(
    // Group after group is the same work: making its plans anew would cost the small ones more than doing it. And
    // 3,000 rows of a table tell as well as 30,000 how much there is of what, which is all that a load has to know.
    `select set_config('work_mem', '${workMemory}', $1), set_config('jit', 'off', $1),
      set_config('plan_cache_mode', 'force_generic_plan', $1), set_config('default_statistics_target', '10', $1)`,
    [isPooled(client)],
  );
}

/**
 * One import loads at a time: two would do the same work twice; `beside` it the other session of one. Held until the
 * transaction ends.
 */
export const lockImports = (
  client: pg.ClientBase,
  onWait: () => void,
  place: 'import' | 'import beside' = 'import',
): Promise<void> => lockInTransaction(client, place, onWait);

export interface ImportAudit {
  action: string;
  file: string;
  reason: string | null;
  after: object;
}

/** One audit row for the import as a whole. @returns its id */
export async function writeImportAudit(client: pg.ClientBase, audit: ImportAudit): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into quota.audit_log (action, subject, reason, after) values ($1, $2, $3, $4) returning id`,
    [audit.action, audit.file, audit.reason, audit.after],
  );
  return rows[0]?.id ?? '';
}
