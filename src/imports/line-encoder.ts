import { type CopyValue, copyLine } from '../db/copy.ts';
import type { BadLine } from '../files/bad-lines.ts';
import { CellFault, type CellFormat } from '../files/cells.ts';
import type { Table } from '../files/table-rows.ts';
import type { ImportColumn, LineKind } from './import-kind.ts';

/** What is staged of every line, besides its values. */
const commonColumns = ['number', 'line', 'problem_column', 'problem', 'original'];

/** Turns rows of a file into lines of COPY for the staging table. */
export interface LineEncoder {
  /** Of the staging table, in the order of the values. */
  readonly columns: readonly string[];
  /** @throws CellFault */
  encode(row: readonly string[], number: number, line: number, original: string | null): string;
  encodeBad(bad: Omit<BadLine, 'file'>, number: number, original: string | null): string;
}

/**
 * Stages only columns that the file has, or that have a fallback.
 * @throws CellFault later, from `encode`
 */
export function createLineEncoder(kind: LineKind, table: Table<string>, format: CellFormat): LineEncoder {
  const columns = kind.columns.filter(
    ({ name, fallback }) => table.columns[name] !== -1 || fallback !== undefined,
  );
  const cells = columns.map((column) => ({
    column,
    index: table.columns[column.name] ?? -1,
    title: table.titles[column.name] ?? column.name,
  }));
  const positions = new Map(columns.map(({ name }, position) => [name, position]));
  const width = commonColumns.length;
  let values: CopyValue[] = [];
  const value = (column: string) =>
    (values[width + (positions.get(column) ?? Number.NaN)] ?? null) as string | null;

  return {
    columns: [...commonColumns, ...columns.map(({ name }) => name)],
    encode(row, number, line, original) {
      values = [number, line, null, null, original];
      for (const { column, index, title } of cells) {
        const text = index === -1 ? '' : (row[index] ?? '');
        values.push(readCell(column, text, title, format) ?? column.fallback?.(value) ?? null);
      }
      kind.checkLine?.(value);
      return copyLine(values);
    },
    encodeBad({ line, column, reason }, number, original) {
      const place = column === null ? null : String(column);
      return copyLine([number, line, place, reason, original, ...columns.map(() => null)]);
    },
  };
}

function readCell(column: ImportColumn, text: string, title: string, format: CellFormat): string | null {
  const value = text === '' ? null : column.read(text, title, format);
  if (value === null && column.required) {
    throw new CellFault(title, 'is empty');
  }
  return value;
}
