import type { CellFormat } from '../../files/cells.ts';
import { normaliseName } from '../../files/nearest-name.ts';
import { splitIgnored } from '../../files/table-rows.ts';
import { parseDecimal } from '../../values/decimal.ts';
import { parseDay, parseInstant } from '../../values/instant.ts';
import {
  type DateOrder,
  parseCommaDecimal,
  parseSerialInstant,
  parseSpreadsheetDecimal,
  parseSpreadsheetInstant,
} from '../../values/spreadsheet.ts';
import type { ReaderSettings } from './export-reader.ts';
import { type GenericColumn, genericColumns } from './generic-columns.ts';
import type { Shape } from './shape.ts';

/** How a CSV that nobody knows might be read: to be looked at by a person, not to be trusted. */
export interface ReadingGuess {
  /** `THEIRS=ours` pairs for `--map`, beside those that are given. */
  mapping: string[];
  /** How values are written, where it is not as it should be and has not been said. */
  cells: CellFormat;
  /** The columns that have not been named by the caller, in their order. */
  columns: GuessedColumn[];
}

export interface GuessedColumn extends Column {
  /** What it seems to be; null: nothing that is known. */
  ours: GenericColumn | null;
  /** Whether it is called like that. */
  isPlain: boolean;
}

interface Column {
  name: string;
  /** Those of the first rows that are not empty. */
  values: string[];
}

const isTime = (value: string): boolean =>
  parseInstant(value, { assumeUtc: true }) !== null || sheetOrder([value]) !== null || isSerial(value);
const isSerial = (value: string): boolean =>
  /^[45]\d{4}[.,]\d+$/.test(value) && parseSerialInstant(value) !== null;
/** Whether a cell is an amount, however it is written. */
export const isAmount = (value: string): boolean =>
  parseDecimal(value) !== null ||
  parseSpreadsheetDecimal(value) !== null ||
  parseCommaDecimal(value) !== null;
const isName = (value: string): boolean => !isTime(value) && !/^\d+[.,]\d+$/.test(value);
const isDate = (value: string): boolean =>
  parseDay(value) !== null || (sheetOrder([value]) !== null && !value.includes(':'));

/** What columns are called that could be ours, the likelier first, and what their values are like. */
const targets: readonly [ours: GenericColumn, names: readonly RegExp[], fits: (value: string) => boolean][] =
  [
    [
      'started_at',
      [
        /start|begin|connect|answered|debut|début|inicio|inizio/,
        /^(call)?(date)?time(stamp)?$|when|^at$|created|datum|^date|^fecha|^data$/,
      ],
      isTime,
    ],
    ['ended_at', [/end(ed|time|date)|^ende?$|finish|hang|disconnect|stop|^fin(e|al)?$/], isTime],
    ['day', [/^day|date$|usagedate|^tag$/], isDate],
    ['duration_minutes', [/min(ute|uto)?[ns]?$|minut[eo]s/], isAmount],
    ['duration_ms', [/(duration|length|time)ms$|milli/], isAmount],
    [
      'duration_seconds',
      [/duration|seconds|secs?$|length|talk|billsec|dauer|sekunden|dur(é|e)e|duraci|durata/],
      isAmount,
    ],
    [
      'cost',
      [
        /cost|kosten|cout|coût/,
        /price|amount|charge|spend|betrag|preis|montant|prix|importe|precio|prezzo/,
        /^(grand)?total|net|gross|fee|credits?used/,
      ],
      isAmount,
    ],
    ['assistant_id', [/(assistante?n?|assistent|agente?|bot|berater)s?(id|uuid|nr)?$/], isName],
    [
      'id',
      [
        /^(call|session|conversation|request|job|message)(id|sid|uuid|ref(erence)?|number|no)?$/,
        /(id|uuid|guid|sid|ref|r[eé]f[eé]rence|nr|nummer)$/,
      ],
      isName,
    ],
    ['model', [/model|engine|deployment/], isName],
    ['currency', [/currency|ccy|waehrung|währung/], (value) => /^[A-Za-z]{3}$/.test(value)],
    ['quantity', [/quantity|credits|units?used|menge/], isAmount],
    ['description', [/description|item|note|memo|text|beschreibung/], () => true],
    ['kind', [/kind|type|category|art/], (value) => /^(call|fee|aggregate)$/i.test(value)],
  ];

/** Guesses the mapping from the names of columns and the values of their first rows, beside what is given or plain. */
export function guessReading(shape: Shape, { mapping, cells }: ReaderSettings): ReadingGuess {
  const columns = columnsOf(shape);
  const given = splitIgnored(mapping);
  const bound = new Set(given.pairs.map((pair) => pair.slice(pair.lastIndexOf('=') + 1).trim()));
  const claimed = new Set([
    ...given.ignored,
    ...given.pairs.map((pair) => pair.slice(0, pair.lastIndexOf('=')).trim()),
  ]);
  const isGiven = new Set(claimed);
  const taken = new Map<string, GuessedColumn>();
  const take = (column: Column, ours: GenericColumn, isPlain: boolean) => {
    claimed.add(column.name);
    bound.add(ours);
    taken.set(column.name, { ...column, ours, isPlain });
  };
  for (const { name: ours, ...spec } of genericColumns) {
    const names = [ours, ...('aliases' in spec ? spec.aliases : [])].map(normaliseName);
    const plain = columns.find(({ name }) => !claimed.has(name) && names.includes(normaliseName(name)));
    if (plain !== undefined && !bound.has(ours)) {
      take(plain, ours, true);
    }
  }
  for (const [ours, names, fits] of targets) {
    const found = bound.has(ours) || isTold(ours, bound) ? undefined : bestOf(columns, claimed, names, fits);
    if (found !== undefined) {
      take(found, ours, false);
    }
  }
  const guessed = [...taken.values()];
  return {
    mapping: guessed.filter(({ isPlain }) => !isPlain).map(({ name, ours }) => `${name}=${ours}`),
    cells: cellsOf(guessed, cells),
    columns: columns
      .filter(({ name }) => !isGiven.has(name))
      .map((column) => taken.get(column.name) ?? { ...column, ours: null, isPlain: false }),
  };
}

/** A duration is told once, and a time is not its day. */
const isTold = (ours: GenericColumn, bound: ReadonlySet<string>): boolean =>
  (ours.startsWith('duration_') && [...bound].some((name) => name.startsWith('duration_'))) ||
  (ours === 'day' && bound.has('started_at'));

function bestOf(
  columns: readonly Column[],
  claimed: ReadonlySet<string>,
  names: readonly RegExp[],
  fits: (value: string) => boolean,
): Column | undefined {
  const free = columns.filter(({ name, values }) => !claimed.has(name) && values.every(fits));
  for (const pattern of names) {
    const found = free.find(({ name }) => pattern.test(normaliseName(name)));
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function columnsOf(shape: Shape): Column[] {
  if (shape.kind === 'json') {
    return [...shape.members]
      .filter(([path]) => !path.includes('.'))
      .map(([name, value]) => ({ name, values: value === '' ? [] : [value] }));
  }
  return shape.names
    .map((name, index) => ({
      name,
      values: shape.rows.map((row) => row[index]?.trim() ?? '').filter((value) => value !== ''),
    }))
    .filter(({ name }) => name !== '');
}

/** How dates and amounts are written, where it is not as it should be. */
function cellsOf(columns: readonly Column[], { dateOrder, assumeUtc, decimal }: CellFormat): CellFormat {
  const values = columns.flatMap((column) => column.values);
  const times = values.filter((value) => parseInstant(value, { assumeUtc: true }) !== null);
  const order = values.some(isSerial)
    ? 'serial'
    : sheetOrder(values.filter((value) => sheetOrder([value]) !== null));
  const hasNoZone = times.some((value) => parseInstant(value) === null && parseDay(value) === null);
  const hasCommas = values.some(
    (value) =>
      parseDecimal(value) === null &&
      /^-?[\d.]*\d,\d+$/.test(value) &&
      !/^-?[1-9]\d{0,2}(,\d{3})+$/.test(value),
  );
  return {
    ...(dateOrder === undefined && order !== null && { dateOrder: order }),
    ...(dateOrder === undefined && order === null && !assumeUtc && hasNoZone && { assumeUtc: true }),
    ...(decimal === undefined && hasCommas && { decimal: 'comma' as const }),
  };
}

const orders = ['mdy', 'dmy', 'ymd'] as const;

/** The order in which all of these dates of a spreadsheet can be read; with points the day is likelier first. */
function sheetOrder(values: readonly string[]): DateOrder | null {
  if (values.length === 0 || values.some((value) => parseInstant(value, { assumeUtc: true }) !== null)) {
    return null;
  }
  const usual = values.some((value) => /^\d{1,2}\./.test(value)) ? (['dmy', 'mdy', 'ymd'] as const) : orders;
  return (
    usual.find((order) => values.every((value) => parseSpreadsheetInstant(value, order) !== null)) ?? null
  );
}
