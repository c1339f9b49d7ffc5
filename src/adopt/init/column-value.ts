import { quoted } from '../expression.ts';
import type { SurveyedColumn } from './survey-store.ts';
import type { DraftValue } from './yaml-text.ts';

/** A column as SQL over the row `r`. */
export const sqlOf = ({ name, sql }: SurveyedColumn): string => sql ?? `r.${quoted(name)}`;

/** A column as a mapping names it. */
export const draftOf = ({ name, sql }: SurveyedColumn): DraftValue =>
  sql === undefined ? { column: name } : { sql };

/** A column whose words are translated. */
export const wordsOf = (column: SurveyedColumn, values: Record<string, string>): DraftValue => ({
  ...draftOf(column),
  values,
});

/** Several columns as one text, over the row of an alias. */
export const joined = (alias: string, columns: readonly string[]): string =>
  columns.map((name) => `${alias}.${quoted(name)}`).join(` || ':' || `);
