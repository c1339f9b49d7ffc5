import type { Path } from '../allowances/files/plan-document.ts';

/** Where a value of ours comes from: a column, an expression in SQL over the row `r`, or the same for every row. */
export interface MappedValue {
  /** Where it stands in the file. */
  path: Path;
  column?: string;
  sql?: string;
  /** Null: nothing. */
  constant?: string | null;
  /** What the app's words mean here; `*` stands for all others. */
  values?: Record<string, string>;
  /** Of timestamps that have none. */
  timezone?: string;
}
