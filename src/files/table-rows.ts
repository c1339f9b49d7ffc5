import { distance } from 'fastest-levenshtein';
import { usageError } from '../errors.ts';
import { type BadLines, fileFault } from './bad-lines.ts';
import { readCsvHeader } from './csv-header.ts';
import { csvRows } from './csv-rows.ts';
import { looksLikeJson } from './json-outline.ts';
import { jsonRows } from './json-rows.ts';
import type { Input } from './open-input.ts';
import type { RowBatch } from './row-batch.ts';

/** A column that the program knows. */
export interface ColumnSpec<Name extends string = string> {
  /** Our name, in snake_case: `started_at`. `Started At` and `startedAt` in a file are the same. */
  name: Name;
  /** Other names under which files have it. */
  aliases?: readonly string[];
  required?: boolean;
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

/** Parses `their=ours` pairs. Throws a usage error (exit 2) if one has no `=`, or names a column that is not ours, or ours twice. */
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
    if (mapping.has(ours)) throw usageError(`two columns are mapped to "${ours}"`);
    mapping.set(ours, theirs);
  }
  return mapping;
}

/**
 * Binds the columns of a CSV file (or the members of JSON objects, if it begins like JSON) to the known ones.
 * Throws exit 65 with the header's line if a required or mapped column is missing. JSON has no header: there
 * every record may lack any member, and the caller checks the values of required columns.
 */
export function openTable<Name extends string>(
  input: Input,
  specs: readonly ColumnSpec<Name>[],
  badLines: BadLines,
  mapping: ColumnMapping = new Map(),
): Table<Name> {
  return looksLikeJson(input.sample)
    ? openJsonTable(input, specs, badLines, mapping)
    : openCsvTable(input, specs, badLines, mapping);
}

/** As `openTable`, for formats that exist as CSV only. */
export function openCsvTable<Name extends string>(
  input: Input,
  specs: readonly ColumnSpec<Name>[],
  badLines: BadLines,
  mapping: ColumnMapping = new Map(),
): Table<Name> {
  const header = readCsvHeader(input);
  const normalised = header.names.map(normalise);
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
  return { kind: 'csv', columns, titles, unknown, batches: () => csvRows(input, header, badLines) };
}

function openJsonTable<Name extends string>(
  input: Input,
  specs: readonly ColumnSpec<Name>[],
  badLines: BadLines,
  mapping: ColumnMapping,
): Table<Name> {
  const columns = {} as Record<Name, number>;
  const titles = {} as Record<Name, string>;
  const fields: string[] = [];
  const sources: number[][] = [];
  for (const [index, spec] of specs.entries()) {
    const theirs = mapping.get(spec.name);
    const names = theirs === undefined ? memberNames(spec) : [theirs];
    sources.push(names.map((_, offset) => fields.length + offset));
    fields.push(...names);
    columns[spec.name] = index;
    titles[spec.name] = theirs ?? spec.name;
  }
  async function* batches() {
    for await (const batch of jsonRows(input, { fields }, badLines)) {
      const rows = batch.rows.map((row) =>
        sources.map((from) => row[from.find((slot) => row[slot] !== '') ?? -1] ?? ''),
      );
      yield { ...batch, rows };
    }
  }
  return { kind: 'json', columns, titles, unknown: [], batches };
}

function normalise(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

function indexOfAny(normalised: readonly string[], spec: ColumnSpec): number {
  for (const name of [spec.name, ...(spec.aliases ?? [])]) {
    const index = normalised.indexOf(normalise(name));
    if (index !== -1) return index;
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
  const nearest = names
    .map((name) => ({ name, far: distance(normalise(name), normalise(wanted)) }))
    .filter(({ name, far }) => far <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.far - b.far)[0];
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
      nearest === undefined
        ? `--map "THEIR COLUMN=${ours}"`
        : `did you mean --map "${nearest.name}=${ours}"?`,
  });
}
