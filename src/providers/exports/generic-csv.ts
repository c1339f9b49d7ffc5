import { fileFault, place } from '../../files/bad-lines.ts';
import { quoted } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { openTable, parseMapping, splitIgnored, type Table } from '../../files/table-rows.ts';
import { parseDecimal } from '../../values/decimal.ts';
import { parseInstant } from '../../values/instant.ts';
import type { BillingLine } from './billing-line.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { type GenericColumn, genericColumns } from './generic-columns.ts';
import { genericLine } from './generic-line.ts';
import { guessReading, type ReadingGuess } from './guess-reading.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { hasMembers, isEmptyList, isMoneyName, type Shape, shapeOf } from './shape.ts';
import { isTotalWord, TotalRows } from './total-rows.ts';
import { UnknownColumns } from './unknown-columns.ts';

/** Any CSV with a header, such as the dashboards' own exports, whose columns are undocumented and change; JSON alike. */
export const genericCsv: ExportReader = {
  format: 'csv',
  title: 'any CSV or JSON of calls; name its columns with --map',
  provider: null,
  statesMoney: true,
  recognises: (shape, provider) =>
    shape.kind === 'csv' ||
    hasAnyOf(shape, 'id', 'assistant_id', 'day') ||
    (provider !== null && shape.members.size === 0),
  lines: readAny,
};

const namesOf = (column: GenericColumn): string[] => {
  const spec: { name: string; aliases?: readonly string[] } | undefined = genericColumns.find(
    ({ name }) => name === column,
  );
  const names = [column, ...(spec?.aliases ?? [])];
  return [
    ...names,
    ...names.map((name) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())),
  ];
};

/** Whether the records of a JSON list have a member for one of the columns. */
const hasAnyOf = (shape: Shape, ...columns: GenericColumn[]): boolean =>
  columns.some((column) => namesOf(column).some((name) => hasMembers(shape, [], name)));

async function* readAny(
  input: Input,
  settings: ReaderSettings,
): AsyncGenerator<BillingLine[], void, undefined> {
  const { pairs, ignored } = splitIgnored(settings.mapping);
  const shape = shapeOf(input);
  const table = openTable(input, genericColumns, settings.badLines, parseMapping(pairs, genericColumns));
  requireColumns(input, shape, table, settings, new Set([...ignored].map((name) => name.toLowerCase())));
  tellGuessedUnit(table, settings);
  const statesDurations =
    table.kind === 'csv'
      ? durationColumns.some((column) => table.columns[column] !== -1)
      : hasAnyOf(shape, ...durationColumns) ||
        settings.mapping.some((pair) => /=(duration|ended)_/.test(pair));
  const lineOf = genericLine(table, settings, statesDurations);
  const totals = new TotalRows();
  yield* linesFromRows(input, table.batches(), settings.badLines, {
    amountOf: (row) => amountIn(row[table.columns.cost]),
    remarkOn: (amount) => totals.remarkOn(amount),
    read: (row, at, lines) => {
      const line = lineOf(row, at.number);
      if (!isDoubtful(line) || !totals.hold({ line, at: at.line, text: at.text() })) {
        totals.add(line.cost);
        lines.push(line);
      }
    },
  });
  const lines = totals.settle(input, settings.badLines);
  settings.badLines.refuseIfAny();
  if (lines.length > 0) {
    yield lines;
  }
}

const durationColumns = ['duration_seconds', 'duration_minutes', 'duration_ms', 'ended_at'] as const;

/** A call without any time, or a sum that is called one: the total of the others is such a row. */
const isDoubtful = ({ startedAt, createdAt, externalId, model, description }: BillingLine): boolean =>
  (startedAt === null && createdAt === null) ||
  isTotalWord(externalId) ||
  isTotalWord(model) ||
  isTotalWord(description);

function tellGuessedUnit(
  { kind, titles, columns }: Table<GenericColumn>,
  { mapping, notice }: ReaderSettings,
): void {
  const title = titles.duration_seconds;
  const isMapped = mapping.some((pair) => pair.endsWith('=duration_seconds'));
  if (kind === 'csv' && columns.duration_seconds !== -1 && !isMapped && /^duration$/i.test(title)) {
    notice(`the column ${quoted(title)} is read as seconds; if it is not: --map "${title}=duration_minutes"`);
  }
}

type Need = [isMet: boolean, lacking: string, column: GenericColumn];

function requireColumns(
  input: Input,
  shape: Shape,
  { columns, kind, unknown }: Table<GenericColumn>,
  settings: ReaderSettings,
  ignored: ReadonlySet<string>,
): void {
  const isMapped = (name: GenericColumn) =>
    settings.mapping.some((pair) => pair.trimEnd().endsWith(`=${name}`));
  const has = (...names: GenericColumn[]) =>
    kind === 'csv'
      ? names.some((name) => columns[name] !== -1)
      : names.some((name) => isMapped(name) || hasAnyOf(shape, name));
  const money = has('cost') || kind === 'json' ? undefined : unknown.find(isMoneyName);
  const needs: Need[] = [
    [has('started_at', 'created_at', 'day') || settings.feesWithoutDate, 'no column says when', 'started_at'],
    [has('id', 'assistant_id', 'day', 'kind') || settings.feesWithoutDate, 'no column says which call', 'id'],
    [
      has('cost', 'duration_seconds', 'duration_minutes', 'duration_ms', 'ended_at', 'quantity'),
      'no column says how much',
      'cost',
    ],
    [
      money === undefined || ignored.has(money.toLowerCase()),
      `the column ${quoted(money ?? '')} looks like what calls cost, and would not be read`,
      'cost',
    ],
    [has('provider') || settings.provider !== null, 'no column says which provider billed it', 'provider'],
  ];
  const missing = needs.filter(([isMet]) => !isMet);
  const [first] = missing;
  if (first === undefined) {
    return;
  }
  const shown = input.sample.slice(0, input.sample.search(/[\r\n]|$/));
  // An empty list of a provider that is named is a bill of nothing.
  if (kind === 'json' && isEmptyList(shape) && settings.provider !== null) {
    return;
  }
  const isData = shape.kind === 'csv' && shape.names.some(isValue);
  const at = { file: input.name, line: 1, column: null };
  if (isData) {
    throw fileFault({
      ...at,
      reason: `the first line is no header but data: ${quoted(shown)}`,
      suggestion: 'each part of a file that was split needs its header',
    });
  }
  const guess = guessReading(shape, settings);
  const begin = kind === 'csv' ? 'the header is' : 'the file begins with';
  throw new UnknownColumns(`${place(at)}: ${first[1]}; ${begin} ${quoted(shown)}`, {
    file: input.name,
    guess,
    lacksProvider: !has('provider') && settings.provider === null,
    suggestion: proposal(guess, missing, settings),
  });
}

const cellFlags = ({ dateOrder, assumeUtc, decimal }: ReadingGuess['cells']): string[] => [
  ...(dateOrder === undefined ? [] : ['--date-order', dateOrder]),
  ...(assumeUtc ? ['--assume-utc'] : []),
  ...(decimal === undefined ? [] : ['--decimal', decimal]),
];

/** The command that reads the file, with what is guessed of its columns, and a place for what cannot be. */
function proposal(guess: ReadingGuess, missing: readonly Need[], settings: ReaderSettings): string {
  const mapped = new Set(
    [...settings.mapping, ...guess.mapping].map((pair) => pair.slice(pair.lastIndexOf('=') + 1).trim()),
  );
  // A sum needs neither a call nor a time beside its day.
  const isMet = (column: GenericColumn) => mapped.has(column) || (column !== 'cost' && mapped.has('day'));
  const unguessed = missing
    .map(([, , column]) => column)
    .filter((column) => column !== 'provider' && !isMet(column));
  const pairs = [...guess.mapping, ...unguessed.map((column) => `THEIR COLUMN=${column}`)];
  const provider = missing.some(([, , column]) => column === 'provider') ? ['--provider', 'NAME'] : [];
  return settings.propose([
    ...provider,
    ...pairs.flatMap((pair) => ['--map', pair]),
    ...cellFlags(guess.cells),
  ]);
}

/** What no column is called: a number or a time. */
function isValue(cell: string): boolean {
  return parseDecimal(cell) !== null || parseInstant(cell, { assumeUtc: true }) !== null;
}
