import { fileFault, place } from '../../files/bad-lines.ts';
import { quoted } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import type { Table } from '../../files/table-rows.ts';
import { parseDecimal } from '../../values/decimal.ts';
import { parseInstant } from '../../values/instant.ts';
import type { ReaderSettings } from './export-reader.ts';
import { type GenericColumn, genericColumns } from './generic-columns.ts';
import { guessReading, type ReadingGuess } from './guess-reading.ts';
import { hasMembers, isEmptyList, type Shape } from './shape.ts';
import { UnknownColumns } from './unknown-columns.ts';
import { lifting, nestedMember, unreadMoney } from './unread-money.ts';

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
export const hasAnyOf = (shape: Shape, ...columns: GenericColumn[]): boolean =>
  columns.some((column) => namesOf(column).some((name) => hasMembers(shape, [], name)));

const timeColumns = ['started_at', 'created_at', 'day'] as const;
const callColumns = ['id', 'assistant_id', 'day', 'kind'] as const;
const amountColumns = [
  'cost',
  'duration_seconds',
  'duration_minutes',
  'duration_ms',
  'ended_at',
  'quantity',
] as const;

/** Whether JSON records say when, which and how much, under names that are known. */
export const statesCall = (shape: Shape): boolean =>
  [timeColumns, callColumns, amountColumns].every((columns) => hasAnyOf(shape, ...columns));

type Need = [isMet: boolean, lacking: string, column: GenericColumn];

/**
 * Refuses a file that does not say when, which, how much and by whom, or whose costs would not be read.
 * @throws UnknownColumns if a person could say which column is which, and badInputError if that would not help
 */
export function requireColumns(
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
  refuseNested(input, shape, settings, { statesCosts: has('cost'), ignored });
  const guess = guessReading(shape, settings);
  const money = has('cost') ? undefined : unreadMoney(shape, unknown, guess, ignored);
  const moneyAs = guess.columns.find(({ name }) => name === money)?.ours ?? 'cost';
  const needs: Need[] = [
    [has(...timeColumns) || settings.feesWithoutDate, 'no column says when', 'started_at'],
    [has(...callColumns) || settings.feesWithoutDate, 'no column says which call', 'id'],
    [has(...amountColumns), 'no column says how much', 'cost'],
    [
      money === undefined,
      `the column ${quoted(money ?? '')} looks like what calls cost, and would not be read`,
      moneyAs,
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
  const above = kind === 'csv' ? linesAboveHeader(input.sample) : 0;
  if (above > 0) {
    throw fileFault({
      ...at,
      reason: `the header seems to be on line ${above + 1}; the first line is ${quoted(shown)}`,
      suggestion: `leave out what is above it: tail -n +${above + 1} FILE | quota … -`,
    });
  }
  if (shape.kind === 'csv' && [shape.names, ...shape.rows].every((row) => row.length < 2)) {
    throw fileFault({
      ...at,
      reason: `the file is no table; it says ${quoted(shown)}`,
      suggestion: 'the download failed, or this is another file: download it again',
    });
  }
  const begin = kind === 'csv' ? 'the header is' : 'the file begins with';
  throw new UnknownColumns(`${place(at)}: ${first[1]}; ${begin} ${quoted(shown)}`, {
    file: input.name,
    guess,
    lacksProvider: !has('provider') && settings.provider === null,
    suggestion: proposal(guess, missing, settings, money),
  });
}

/** @throws badInputError for what is mapped, or seems to be what calls cost, and stands inside another member */
function refuseNested(
  input: Input,
  shape: Shape,
  { mapping }: ReaderSettings,
  { statesCosts, ignored }: { statesCosts: boolean; ignored: ReadonlySet<string> },
): void {
  const nested = nestedMember(shape, mapping, statesCosts, ignored);
  if (nested !== undefined) {
    throw fileFault({
      file: input.name,
      line: 1,
      column: null,
      reason: `the member ${quoted(nested.path)} stands inside another, and would not be read`,
      suggestion: lifting(input, nested),
    });
  }
}

const cellFlags = ({ dateOrder, assumeUtc, decimal }: ReadingGuess['cells']): string[] => [
  ...(dateOrder === undefined ? [] : ['--date-order', dateOrder]),
  ...(assumeUtc ? ['--assume-utc'] : []),
  ...(decimal === undefined ? [] : ['--decimal', decimal]),
];

const lookedAt = 30;

/** Reports begin with titles: how many lines there are before the first that is cut like the two after it. */
function linesAboveHeader(sample: string): number {
  const lines = sample.split(/\r?\n/, lookedAt);
  const widthOf = (line: string | undefined, delimiter: string) => (line ?? '').split(delimiter).length;
  for (const delimiter of [',', ';', '\t', '|']) {
    const at = lines.findIndex((line, index) => {
      const width = widthOf(line, delimiter);
      return width > 2 && [1, 2].every((next) => widthOf(lines[index + next], delimiter) === width);
    });
    if (at > 0 && widthOf(lines[0], delimiter) < widthOf(lines[at], delimiter)) {
      return at;
    }
  }
  return 0;
}

/** The command that reads the file, with what is guessed of its columns, and a place for what cannot be. */
function proposal(
  guess: ReadingGuess,
  missing: readonly Need[],
  settings: ReaderSettings,
  money: string | undefined,
): string {
  const isGuessed = (name: string) => guess.mapping.some((pair) => pair.startsWith(`${name}=`));
  const guesses =
    money === undefined || isGuessed(money) ? guess.mapping : [...guess.mapping, `${money}=cost`];
  const mapped = new Set(
    [...settings.mapping, ...guesses].map((pair) => pair.slice(pair.lastIndexOf('=') + 1).trim()),
  );
  // A sum needs neither a call nor a time beside its day.
  const isMet = (column: GenericColumn) => mapped.has(column) || (column !== 'cost' && mapped.has('day'));
  const unguessed = missing
    .map(([, , column]) => column)
    .filter((column) => column !== 'provider' && !isMet(column));
  const pairs = [...guesses, ...unguessed.map((column) => `THEIR COLUMN=${column}`)];
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
