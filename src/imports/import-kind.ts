import type pg from 'pg';
import type { CellFormat } from '../files/cells.ts';
import type { ColumnSpec } from '../files/table-rows.ts';

/** A column that a file may have, and how it is staged. */
export interface ImportColumn extends ColumnSpec {
  /** Of the staged column: trusted SQL. */
  type: string;
  /**
   * The value of a cell as COPY takes it; null where it is empty. `title` is what the file calls the column.
   * @throws CellFault
   */
  read: (text: string, title: string, format: CellFormat) => string | null;
  /** For lines whose cell is empty, or that have no such column. May ask for the columns before it. @throws CellFault */
  fallback?: (value: LineValues) => string | null;
}

/** The values of a line by column, as far as they are read. */
export type LineValues = (column: string) => string | null;

/** What is particular to the lines of one kind. */
export interface LineKind {
  /** As in the command and in the audit log. */
  readonly name: 'users' | 'assistants' | 'call-logs' | 'quota-events';
  /** One of them, for sentences. */
  readonly noun: string;
  readonly columns: readonly ImportColumn[];
  /** The columns that say which row of the database a line is about. A line without the last of them has no identity. */
  readonly key: readonly string[];
  /** What a line must keep to besides its single cells. @throws CellFault */
  checkLine?(value: LineValues): void;
}

/** A kind whose lines are held against the database as a whole, before any of them is taken. */
export interface PlannedKind extends LineKind {
  readonly store: PlanStore;
}

/** A kind whose lines are loaded all at once. */
export interface ImportKind extends LineKind {
  readonly store: ImportStore;
}

/** The SQL that tells what a file would do. Everything reads `import_rows`, the staged lines. */
export interface PlanStore {
  /** Before the file is read. @throws usageError where an option does not fit the database. */
  prepare?(client: pg.ClientBase): Promise<void>;
  /** Sets `problem` of the staged lines that do not fit the database, and puts the others in the database's spelling. */
  markProblems(client: pg.ClientBase): Promise<void>;
  /** Compares the good lines with the database. Can be called again; changes only temporary tables. */
  compare(client: pg.ClientBase): Promise<ImportComparison>;
  /** Of a kind whose lines are taken one by one: marks, for a dry run, those that would be refused then. */
  foreseeRefusals?(client: pg.ClientBase): Promise<void>;
}

/** The SQL of one kind. */
export interface ImportStore extends PlanStore {
  /**
   * Adds what is not there yet. `onConflict` is `skip` when somebody else was seen to add the same rows meanwhile;
   * otherwise such a row is an error of the database (23505), which costs far less.
   */
  insert(client: pg.ClientBase, onConflict: 'fail' | 'skip'): Promise<InsertCounts>;
  /** Brings rows that differ in line with the file, each with its audit row. @returns how many */
  update(client: pg.ClientBase, reason: string): Promise<number>;
  /** Tables whose statistics a large import makes useless: trusted SQL. */
  readonly tables: readonly string[];
}

export interface ImportComparison {
  /** Lines whose row is there already. */
  existing: number;
  /** Those of them whose row has other content; an empty cell says nothing. */
  differing: number;
  /** Those of them that differ in something that an import never changes. */
  unchangeable: number;
  /** Of users only: subscriptions that the file asks for and that are not there. */
  subscriptions?: number;
}

export interface InsertCounts {
  new: number;
  /** Of users only: subscriptions made for new and existing users. */
  subscriptions?: number;
}
