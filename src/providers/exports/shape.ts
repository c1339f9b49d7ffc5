import { readCsvHeader, sampleRows } from '../../files/csv/csv-header.ts';
import type { Input } from '../../files/input.ts';
import { looksLikeJson, outlineJson } from '../../files/json/json-outline.ts';
import { normaliseName } from '../../files/nearest-name.ts';

/** What the beginning of a file shows of its format. */
export type Shape =
  /** The columns of a CSV file in one spelling, see `normaliseName`, as they are written, and the first rows. */
  | { kind: 'csv'; columns: ReadonlySet<string>; names: readonly string[]; rows: readonly string[][] }
  /** The member paths of a JSON text with their first values, see `outlineJson`. */
  | { kind: 'json'; members: ReadonlyMap<string, string> };

const sampleRowsMax = 50;

/** Looks at the beginning of a file. Throws exit 65 if it begins like CSV and has no usable header. */
export function shapeOf(input: Input): Shape {
  if (looksLikeJson(input.sample)) {
    return { kind: 'json', members: outlineJson(input.sample) };
  }
  const header = readCsvHeader(input);
  return {
    kind: 'csv',
    columns: new Set(header.names.map(normaliseName)),
    names: header.names,
    rows: sampleRows(input, header, sampleRowsMax),
  };
}

const prefixesOf = (envelopes: readonly string[]) => ['', ...envelopes.map((path) => `${path}.`)];

/** True if a record, or the first record of one of the envelopes, has all of the members. */
export function hasMembers(shape: Shape, envelopes: readonly string[], ...members: string[]): boolean {
  return (
    shape.kind === 'json' &&
    prefixesOf(envelopes).some((prefix) => members.every((member) => shape.members.has(prefix + member)))
  );
}

/** The first value of a member of a record, in whichever envelope; `''` if there is none. */
export function firstValue(shape: Shape, envelopes: readonly string[], member: string): string {
  if (shape.kind !== 'json') {
    return '';
  }
  const found = prefixesOf(envelopes).map((prefix) => shape.members.get(prefix + member) ?? '');
  return found.find((value) => value !== '') ?? '';
}

/** True if a CSV file has all of the columns. */
export function hasColumns(shape: Shape, ...columns: string[]): boolean {
  return shape.kind === 'csv' && columns.every((column) => shape.columns.has(normaliseName(column)));
}

/** True if a JSON text has a list of records and shows none of it: nothing was billed. */
export function isEmptyList(shape: Shape): boolean {
  return shape.kind === 'json' && shape.members.size === 0;
}

/** What columns and members of money are called. */
const moneyNames =
  /^(total|net|gross|billed|unit)?(cost|costs|amount|price|charge|charges|spend)(value|usd|inusd|total)?$/;

export const isMoneyName = (name: string): boolean => moneyNames.test(normaliseName(name));

/** Whether records or rows state what they cost: what reads no costs must not take such a file, and drop them. */
export function statesMoney(shape: Shape): boolean {
  const names =
    shape.kind === 'csv'
      ? shape.names
      : [...shape.members.keys()].map((path) => path.slice(path.lastIndexOf('.') + 1));
  return names.some(isMoneyName);
}
