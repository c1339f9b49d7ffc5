import { fileFault } from '../../files/bad-lines.ts';
import { CellFault, type CellFormat, decimalCell, instantCell, quoted } from '../../files/cells.ts';
import type { Input } from '../../files/open-input.ts';
import { openTable, parseMapping, type Table } from '../../files/table-rows.ts';
import { multiplyDecimal, parseDecimal, shiftDecimal } from '../../values/decimal.ts';
import { parseDay, parseInstant, secondsBetween } from '../../values/instant.ts';
import { type BillingLine, isNegative, providerOf, rawObject, textOrNull } from './billing-line.ts';
import { type ExportReader, linesFromRows, type ReaderSettings } from './export-reader.ts';

/** The columns that a CSV of calls may have, and that `--map THEIRS=OURS` may name. */
export const genericColumns = [
  { name: 'id', aliases: ['call_id', 'provider_call_id', 'external_id', 'session_id'] },
  { name: 'assistant_id', aliases: ['provider_assistant_id'] },
  { name: 'model' },
  { name: 'status', aliases: ['call_status'] },
  { name: 'created_at' },
  { name: 'started_at', aliases: ['start_time', 'call_start'] },
  { name: 'ended_at', aliases: ['end_time', 'call_end'] },
  { name: 'duration_seconds', aliases: ['seconds'] },
  { name: 'duration_minutes', aliases: ['minutes'] },
  { name: 'duration_ms', aliases: ['milliseconds'] },
  { name: 'quantity' },
  { name: 'unit' },
  { name: 'cost', aliases: ['amount', 'total_cost'] },
  { name: 'currency' },
  { name: 'description' },
  { name: 'day', aliases: ['date'] },
  { name: 'kind' },
  { name: 'provider' },
  { name: 'type' },
  { name: 'ended_reason' },
] as const;

type Column = (typeof genericColumns)[number]['name'];

const kinds: Record<string, BillingLine['kind'] | undefined> = {
  call: 'call',
  fee: 'fee',
  aggregate: 'aggregate',
};

/** Any CSV with a header, such as the dashboards' own exports, whose columns are undocumented and change. */
export const genericCsv: ExportReader = {
  format: 'csv',
  title: 'any CSV of calls with a header; name its columns with --map',
  provider: null,
  recognises: (shape) => shape.kind === 'csv',
  lines: (input: Input, settings: ReaderSettings) => {
    const mapping = parseMapping(settings.mapping, genericColumns);
    const table = openTable(input, genericColumns, settings.badLines, mapping);
    requireColumns(input, table, settings.provider);
    const read = rowReader(table, settings);
    return linesFromRows(input, table.batches(), settings.badLines, (row, number, lines) => {
      lines.push(read(row, number));
    });
  },
};

function requireColumns(input: Input, { columns }: Table<Column>, provider: string | null): void {
  const has = (...names: Column[]) => names.some((name) => columns[name] !== -1);
  const needs: [boolean, string, string][] = [
    [has('started_at', 'created_at', 'day'), 'says when', '--map "THEIR COLUMN=started_at"'],
    [has('id', 'assistant_id', 'day'), 'says which call', '--map "THEIR COLUMN=id"'],
    [
      has('cost', 'duration_seconds', 'duration_minutes', 'duration_ms', 'ended_at', 'quantity'),
      'says how much',
      '--map "THEIR COLUMN=cost"',
    ],
    [has('provider') || provider !== null, 'says which provider billed it', '--provider NAME'],
  ];
  const missing = needs.find(([present]) => !present);
  if (missing === undefined) {
    return;
  }
  const shown = input.sample.slice(0, input.sample.search(/[\r\n]|$/));
  const [, lacking, mapping] = missing;
  const isData = shown.split(/[,;\t|]/).some(isValue);
  throw fileFault({
    file: input.name,
    line: 1,
    column: null,
    reason: isData
      ? `the first line is no header but data: ${quoted(shown)}`
      : `no column ${lacking}; the header is ${quoted(shown)}`,
    suggestion: isData ? 'each part of a file that was split needs its header' : mapping,
  });
}

/** What no column is called: a number or a time. */
function isValue(cell: string): boolean {
  const text = cell.replace(/^"|"$/g, '');
  return parseDecimal(text) !== null || parseInstant(text, { assumeUtc: true }) !== null;
}

/** Indexes are looked up once, and absent columns not at all: this runs for every line of every file. */
function rowReader({ columns: at, titles }: Table<Column>, { cells, provider }: ReaderSettings) {
  const text = (index: number) => (index === -1 ? () => '' : (row: string[]) => row[index] ?? '');
  const decimal = (column: Column) => cellReader(at[column], titles[column], cells, decimalCell);
  const instant = (column: Column) => cellReader(at[column], titles[column], cells, instantCell);
  const durationOf = durationReader(decimal);
  const startOf = instant('started_at');
  const endOf = instant('ended_at');
  const createdOf = instant('created_at');
  const quantityOf = decimal('quantity');
  const costOf = decimal('cost');
  const idOf = text(at.id);
  const assistantOf = text(at.assistant_id);
  const modelOf = text(at.model);
  const wordsOf = { status: text(at.status), unit: text(at.unit), description: text(at.description) };
  const dayColumnOf = text(at.day);
  const kindColumnOf = text(at.kind);
  const currencyOf = text(at.currency);
  const namedOf = text(at.provider);
  const rawOf = rawReader(at);
  const endedStatus = statesDurations(at) ? 'ended' : 'untimed';

  return (row: string[], lineNumber: number): BillingLine => {
    const startedAt = startOf(row);
    const endedAt = endOf(row);
    const durationSeconds = durationOf(row, startedAt, endedAt);
    if (durationSeconds?.startsWith('-')) {
      throw new CellFault(titles.ended_at, 'makes the duration negative');
    }
    const externalId = textOrNull(idOf(row));
    const assistantId = textOrNull(assistantOf(row));
    const day = dayOf(dayColumnOf(row), titles.day, cells);
    const cost = costOf(row);
    const kind =
      kindOf(kindColumnOf(row), titles.kind) ?? guessKind({ call: externalId ?? assistantId, day, cost });
    const named = namedOf(row);
    const lineProvider = named === '' ? provider : providerOf(named, provider);
    if (lineProvider === null) {
      throw new CellFault(titles.provider, 'is empty');
    }
    return {
      lineNumber,
      provider: lineProvider,
      kind,
      externalId,
      assistantId,
      model: textOrNull(modelOf(row)),
      status: kind === 'call' ? statusOf(wordsOf.status(row), endedStatus) : null,
      createdAt: createdOf(row),
      startedAt: startedAt ?? (day === null ? null : `${day}T00:00:00Z`),
      endedAt,
      durationSeconds,
      quantity: quantityOf(row),
      unit: textOrNull(wordsOf.unit(row)),
      cost,
      currency: currencyOf(row).toUpperCase() || 'USD',
      description: textOrNull(wordsOf.description(row)),
      day: kind === 'aggregate' ? day : null,
      raw: rawOf(row),
    };
  };
}

type ReadCell = (row: string[]) => string | null;

function cellReader(
  index: number,
  title: string,
  cells: CellFormat,
  parse: (text: string, column: string, format: CellFormat) => string | null,
): ReadCell {
  return index === -1 ? () => null : (row) => parse(row[index] ?? '', title, cells);
}

/** The duration that a column gives, in whichever unit, or else that from start to end. */
function durationReader(decimal: (column: Column) => ReadCell) {
  const secondsOf = decimal('duration_seconds');
  const minutesOf = decimal('duration_minutes');
  const millisecondsOf = decimal('duration_ms');
  return (row: string[], startedAt: string | null, endedAt: string | null): string | null => {
    const seconds = secondsOf(row);
    if (seconds !== null) {
      return seconds;
    }
    const minutes = minutesOf(row);
    if (minutes !== null) {
      return multiplyDecimal(minutes, 60);
    }
    const milliseconds = millisecondsOf(row);
    if (milliseconds !== null) {
      return shiftDecimal(milliseconds, -3);
    }
    return startedAt !== null && endedAt !== null ? secondsBetween(startedAt, endedAt) : null;
  };
}

function rawReader({ type, ended_reason }: Record<Column, number>): ReadCell {
  if (type === -1 && ended_reason === -1) {
    return () => null;
  }
  return (row) => rawObject({ type: row[type] ?? '', endedReason: row[ended_reason] ?? '' });
}

function kindOf(text: string, column: string): BillingLine['kind'] | null {
  if (text === '') {
    return null;
  }
  const kind = kinds[text.toLowerCase()];
  if (kind === undefined) {
    throw new CellFault(column, `${quoted(text)} is not call, fee or aggregate`);
  }
  return kind;
}

/**
 * A row that names no call is the sum of a day if it has a day, and otherwise a fee. What is given back for a call is
 * a credit: as a call it would be its repetition, and missing in the sum.
 */
function guessKind({ call, day, cost }: Record<'call' | 'day' | 'cost', string | null>): BillingLine['kind'] {
  if (call !== null) {
    return isNegative(cost) ? 'fee' : 'call';
  }
  return day === null ? 'fee' : 'aggregate';
}

function dayOf(text: string, column: string, cells: CellFormat): string | null {
  return parseDay(text) ?? instantCell(text, column, cells)?.slice(0, 10) ?? null;
}

/** Whether the file could tell how long a call took: otherwise its calls are not running, they are without durations. */
const statesDurations = (at: Record<Column, number>): boolean =>
  at.duration_seconds !== -1 || at.duration_minutes !== -1 || at.duration_ms !== -1 || at.ended_at !== -1;

const sameStatus: Record<string, string | undefined> = {
  '': 'ended',
  completed: 'ended',
  complete: 'ended',
  closed: 'ended',
  done: 'ended',
  finished: 'ended',
  active: 'in-progress',
  running: 'in-progress',
  in_progress: 'in-progress',
};

/** A file without a status lists what has ended; others have words of their own for it. */
function statusOf(text: string, endedStatus: 'ended' | 'untimed'): string {
  const status = sameStatus[text] ?? sameStatus[text.toLowerCase()] ?? text;
  return status === 'ended' ? endedStatus : status;
}
