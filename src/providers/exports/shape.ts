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
    const members = outlineJson(input.sample);
    return {
      kind: 'json',
      members: input.list === undefined ? members : membersIn(members, input.list.path),
    };
  }
  const header = readCsvHeader(input);
  return {
    kind: 'csv',
    columns: new Set(header.names.map(normaliseName)),
    names: header.names,
    rows: sampleRows(input, header, sampleRowsMax),
  };
}

/** Those of the records of a list in something else. */
function membersIn(members: ReadonlyMap<string, string>, path: string): Map<string, string> {
  const prefix = `${path}.`;
  return new Map(
    [...members]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
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

/** Words by which columns and members of money are called. */
const moneyWords = new Set(
  (
    'cost costs price prices amount charge charges charged spend spent fee fees billed usd eur gbp ' +
    'betrag kosten preis netto brutto cout coût montant prix importe precio coste prezzo costo'
  ).split(' '),
);
/** Words that make of such a name that of something else: `cost_center`, `cost_type`, `amount_currency`. */
const otherWords = new Set(
  (
    'id type kind class category center centre code currency unit units quantity name description account rate ' +
    'token tokens count seconds minutes'
  ).split(' '),
);

/** Whether something that is called so says what was charged: `cost`, `Net price (EUR)`, `totalCost`. */
export function isMoneyName(name: string): boolean {
  const words = name
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u);
  return words.some((word) => moneyWords.has(word)) && !words.some((word) => otherWords.has(word));
}

/** Whether records or rows state what they cost: what reads no costs must not take such a file, and drop them. */
export function statesMoney(shape: Shape): boolean {
  const names =
    shape.kind === 'csv'
      ? shape.names
      : [...shape.members.keys()].map((path) => path.slice(path.lastIndexOf('.') + 1));
  return names.some(isMoneyName);
}
