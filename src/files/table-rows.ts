import { usageError } from '../errors.ts';
import { type BadLines, fileFault } from './bad-lines.ts';
import { quoted } from './cells.ts';
import { type CsvHeader, readCsvHeader } from './csv/csv-header.ts';
import { csvRows } from './csv/csv-rows.ts';
import type { Input } from './input.ts';
import { looksLikeJson } from './json/json-outline.ts';
import { jsonRows } from './json/json-rows.ts';
import { nearestName, normaliseName, unknownColumnAdvice } from './nearest-name.ts';
import type { RowBatch } from './row-batch.ts';

/** A column that the program knows. */
export interface ColumnSpec<Name extends string = string> {
  /** Our name, in snake_case: `started_at`. `Started At` and `startedAt` in a file are the same. */
  name: Name;
  /** Other names under which files have it. */
  aliases?: readonly string[];
  required?: boolean;
  /** In JSON the value may be an object or a list: the row has its text. */
  nested?: boolean;
}

/** Rows of a CSV file with a header, or of JSON objects, seen alike. */
export interface Table<Name extends string> {
  kind: 'csv' | 'json';
  /** For each known column the index of its value in a row, or -1 if the file has no such column. */
  columns: Record<Name, number>;
  /** What each column is called in the file, for messages. */
  titles: Record<Name, string>;
  /** Columns of a CSV file that are not known and will not be read. */
  unknown: string[];
  /** See `csvRows` and `jsonRows`. */
  batches(): AsyncGenerator<RowBatch, void, undefined>;
}

/** Our name to the file's name: what `--map "Call ID=id"` says. */
export type ColumnMapping = ReadonlyMap<string, string>;

/** Names in the file that may be left out; `*` stands for all that are not known. */
export type IgnoredColumns = ReadonlySet<string>;

/** Splits `--map` pairs: `THEIRS=` is a column to be left out, the others are for `parseMapping`. */
export function splitIgnored(pairs: readonly string[]): { pairs: string[]; ignored: IgnoredColumns } {
  const ignores = (pair: string) => /[^\s=].*=\s*$/.test(pair);
  const ignored = pairs.filter(ignores).map((pair) => pair.slice(0, pair.lastIndexOf('=')).trim());
  return { pairs: pairs.filter((pair) => !ignores(pair)), ignored: new Set(ignored) };
}

/**
 * Parses `their=ours` pairs.
 * @throws usageError if one has no `=`, or names a column that is not ours, or ours twice
 */
export function parseMapping(pairs: readonly string[], specs: readonly ColumnSpec[]): ColumnMapping {
  const mapping = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.lastIndexOf('=');
    const theirs = pair.slice(0, at).trim();
    const ours = pair.slice(at + 1).trim();
    if (at === -1 || theirs === '') {
      throw usageError(`"${pair}" is not a column mapping`, {
        suggestion: 'write THEIRS=OURS, e.g. "Call ID=id"',
      });
    }
    if (!specs.some(({ name }) => name === ours)) {
      throw usageError(`"${ours}" is not a column that can be mapped to`, {
        suggestion: `map to one of ${specs.map(({ name }) => name).join(', ')}`,
      });
    }
    if (mapping.has(ours)) {
      throw usageError(`two columns are mapped to "${ours}"`);
    }
    mapping.set(ours, theirs);
  }
  return mapping;
}

/**
 * Binds the columns of a CSV file (or the members of JSON objects, if it begins like JSON) to the known ones. JSON
 * has no header: there every record may lack any member, and the caller checks the values of required columns. Other
 * columns are listed as `unknown`; with `ignored` they are refused unless they are named there.
 * @throws badInputError with the header's line if a required or mapped column is missing, or one is refused
 */
export function openTable<Name extends string>(
  input: Input,
  specs: readonly ColumnSpec<Name>[],
  badLines: BadLines,
  mapping: ColumnMapping = new Map(),
  ignored?: IgnoredColumns,
): Table<Name> {
  return looksLikeJson(input.sample)
    ? openJsonTable(input, specs, badLines, mapping, ignored)
    : openCsvTable(input, specs, badLines, mapping, ignored);
}

/**
 * As `openTable`, for formats that exist as CSV only.
 * @throws badInputError as `openTable`
 */
export function openCsvTable<Name extends string>(
  input: Input,
  specs: readonly ColumnSpec<Name>[],
  badLines: BadLines,
  mapping: ColumnMapping = new Map(),
  ignored?: IgnoredColumns,
): Table<Name> {
  const header = readCsvHeader(input);
  const claimed = new Set(
    [...mapping.values(), ...(ignored ?? [])].map((name) => exactIndex(header.names, name)),
  );
  const normalised = header.names.map((name, index) => (claimed.has(index) ? '' : normaliseName(name)));
  const columns = {} as Record<Name, number>;
  const titles = {} as Record<Name, string>;
  for (const spec of specs) {
    const theirs = mapping.get(spec.name);
    const index = theirs === undefined ? indexOfAny(normalised, spec) : exactIndex(header.names, theirs);
    if (index === -1 && (theirs !== undefined || spec.required)) {
      throw missingColumn(input.name, header.line, theirs ?? spec.name, spec.name, header.names);
    }
    columns[spec.name] = index;
    titles[spec.name] = header.names[index] ?? spec.name;
  }
  const used = new Set<number>(Object.values(columns));
  const unknown = header.names.filter((name, index) => name !== '' && !used.has(index));
  refuseUnknown(input.name, header, specs, unknown, ignored);
  return { kind: 'csv', columns, titles, unknown, batches: () => csvRows(input, header, badLines) };
}

function openJsonTable<Name extends string>(
  input: Input,
  specs: readonly ColumnSpec<Name>[],
  badLines: BadLines,
  mapping: ColumnMapping,
  ignored?: IgnoredColumns,
): Table<Name> {
  const columns = {} as Record<Name, number>;
  const titles = {} as Record<Name, string>;
  const fields: string[] = [];
  const nested: string[] = [];
  const sources: number[][] = [];
  const ours = specs.map(({ name }) => name);
  const unknownAdvice = (name: string) =>
    ignored?.has('*') || ignored?.has(name) ? null : unknownColumnAdvice(name, ours);
  const claimed = new Set([...mapping.values(), ...(ignored ?? [])]);
  for (const [index, spec] of specs.entries()) {
    const theirs = mapping.get(spec.name);
    const names = theirs === undefined ? memberNames(spec).filter((name) => !claimed.has(name)) : [theirs];
    sources.push(names.map((_, offset) => fields.length + offset));
    fields.push(...names);
    nested.push(...(spec.nested ? names : []));
    columns[spec.name] = index;
    titles[spec.name] = theirs ?? spec.name;
  }
  async function* batches() {
    for await (const batch of jsonRows(
      input,
      { fields, nested, ...(ignored && { unknownAdvice }) },
      badLines,
    )) {
      const rows = batch.rows.map((row) =>
        sources.map((from) => row[from.find((slot) => row[slot] !== '') ?? -1] ?? ''),
      );
      yield { ...batch, rows };
    }
  }
  return { kind: 'json', columns, titles, unknown: [], batches };
}

function indexOfAny(normalised: readonly string[], spec: ColumnSpec): number {
  for (const name of [spec.name, ...(spec.aliases ?? [])]) {
    const index = normalised.indexOf(normaliseName(name));
    if (index !== -1) {
      return index;
    }
  }
  return -1;
}

function exactIndex(names: readonly string[], theirs: string): number {
  const index = names.indexOf(theirs);
  return index === -1 ? names.map((name) => name.toLowerCase()).indexOf(theirs.toLowerCase()) : index;
}

/** Every spelling of a column as a member of a JSON object: `started_at` and `startedAt`. */
function memberNames(spec: ColumnSpec): string[] {
  const names = [spec.name, ...(spec.aliases ?? [])];
  const camel = names.map((name) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
  return [...new Set([...names, ...camel])];
}

const shownColumnsMax = 30;

function missingColumn(file: string, line: number, wanted: string, ours: string, names: readonly string[]) {
  const nearest = nearestName(wanted, names);
  const shown = names
    .slice(0, shownColumnsMax)
    .map((name) => `"${name}"`)
    .join(', ');
  return fileFault({
    file,
    line,
    column: null,
    reason: `there is no column "${wanted}"; the header has ${shown}${names.length > shownColumnsMax ? ', …' : ''}`,
    suggestion:
      nearest === undefined ? `--map "THEIR COLUMN=${ours}"` : `did you mean --map "${nearest}=${ours}"?`,
  });
}

/** Columns without a name are left out in silence: a trailing delimiter makes them. */
function refuseUnknown(
  file: string,
  { line, names }: CsvHeader,
  specs: readonly ColumnSpec[],
  unknown: readonly string[],
  ignored: IgnoredColumns | undefined,
): void {
  if (ignored === undefined) {
    return;
  }
  for (const theirs of ignored) {
    if (theirs !== '*' && exactIndex(names, theirs) === -1) {
      throw missingColumn(file, line, theirs, '', names);
    }
  }
  const lowered = new Set([...ignored].map((name) => name.toLowerCase()));
  const refused = unknown.filter((name) => !lowered.has('*') && !lowered.has(name.toLowerCase()));
  const [first] = refused;
  if (first === undefined) {
    return;
  }
  const others =
    refused.length === 1 ? '' : `, nor ${refused.slice(1, shownColumnsMax).map(quoted).join(', ')}`;
  throw fileFault({
    file,
    line,
    column: names.indexOf(first) + 1,
    reason: `${quoted(first)} is not a column that is known here${others}`,
    suggestion: unknownColumnAdvice(
      first,
      specs.map(({ name }) => name),
    ),
  });
}
