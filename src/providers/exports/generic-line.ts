import {
  CellFault,
  type CellFormat,
  decimalCell,
  instantCell,
  quoted,
  secondsCell,
} from '../../files/cells.ts';
import type { Table } from '../../files/table-rows.ts';
import { parseDay } from '../../values/instant.ts';
import { type BillingLine, isNegative, providerOf, requireCall, textOrNull } from './billing-line.ts';
import { chargeOf, modelKey, partOfDay } from './charge.ts';
import type { ReaderSettings } from './export-reader.ts';
import { cellReader, durationReader, rawReader, statusOf } from './generic-cells.ts';
import type { GenericColumn } from './generic-columns.ts';
import { isTotalWord, totalAdvice } from './total-rows.ts';

const kinds: Record<string, BillingLine['kind'] | undefined> = {
  call: 'call',
  fee: 'fee',
  aggregate: 'aggregate',
};

/**
 * Gives the function that reads a row. Indexes are looked up once, and absent columns not at all: this runs for every
 * line of every file.
 * @throws CellFault from the function that it gives
 */
export function genericLine(
  { columns: at, titles }: Table<GenericColumn>,
  settings: ReaderSettings,
  /** Whether the file can tell how long a call took: otherwise its calls are not running, they are without durations. */
  statesDurations: boolean,
) {
  const { cells, provider } = settings;
  const text = (index: number) => (index === -1 ? () => '' : (row: string[]) => row[index]?.trim() ?? '');
  const decimal = (column: GenericColumn) => cellReader(at[column], titles[column], cells, decimalCell);
  const instant = (column: GenericColumn) => cellReader(at[column], titles[column], cells, instantCell);
  const seconds = cellReader(at.duration_seconds, titles.duration_seconds, cells, secondsCell);
  const durationOf = durationReader(titles, seconds, decimal);
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
  const endedStatus = statesDurations ? 'ended' : 'untimed';

  return (row: string[], lineNumber: number): BillingLine => {
    const startedAt = startOf(row);
    const endedAt = endOf(row);
    const durationSeconds = durationOf(row, startedAt, endedAt);
    const externalId = textOrNull(idOf(row));
    const assistantId = textOrNull(assistantOf(row));
    const day = dayOf(dayColumnOf(row), titles.day, cells);
    const cost = costOf(row);
    const createdAt = createdOf(row);
    const named = namedOf(row);
    const lineProvider = named === '' ? provider : providerOf(named, provider);
    if (lineProvider === null) {
      throw new CellFault(titles.provider, 'is empty');
    }
    const stated = kindOf(kindColumnOf(row), titles.kind);
    const kind = stated ?? guessKind({ call: externalId ?? assistantId, day, cost });
    const line: BillingLine = {
      lineNumber,
      provider: lineProvider,
      kind,
      externalId,
      assistantId,
      model: textOrNull(modelOf(row)),
      status: kind === 'call' ? statusOf(wordsOf.status(row), endedStatus) : null,
      createdAt,
      startedAt: startedAt ?? (day === null ? null : `${day}T00:00:00Z`),
      endedAt,
      durationSeconds,
      quantity: quantityOf(row),
      unit: textOrNull(wordsOf.unit(row)),
      cost,
      currency: currencyOf(row).toUpperCase() || settings.currency || 'USD',
      description: textOrNull(wordsOf.description(row)),
      day: kind === 'aggregate' ? day : null,
      raw: rawOf(row),
      charge: null,
      invoiceMonth: null,
    };
    requirePlace(line, stated, titles, settings.feesWithoutDate);
    return kind === 'call' ? line : withCharge(line, at);
  };
}

/** A row that names no call, day or time may be anything: a fee, or the total of all others. */
function requirePlace(
  line: BillingLine,
  stated: BillingLine['kind'] | null,
  titles: Record<GenericColumn, string>,
  feesWithoutDate: boolean,
): void {
  const { kind, externalId, assistantId, startedAt, createdAt, day } = line;
  if (kind === 'aggregate' && day === null) {
    throw new CellFault(titles.day, 'is empty where a sum needs its day');
  }
  const isPlaced = startedAt !== null || createdAt !== null;
  if (isPlaced) {
    return;
  }
  const words: [GenericColumn, string | null][] = [
    ['id', externalId],
    ['model', line.model],
    ['description', line.description],
  ];
  const total = words.find(([, word]) => isTotalWord(word));
  if (total !== undefined) {
    throw new CellFault(titles[total[0]], 'names no call, day or time', totalAdvice);
  }
  if (kind === 'call' && stated === null) {
    requireCall(line, titles.id);
  }
  if (externalId === null && assistantId === null && stated === null && !feesWithoutDate) {
    throw new CellFault(
      titles.started_at,
      'is empty, and the row names no call and no day',
      'if a column says what such rows are: --map "THEIR COLUMN=kind"; ' +
        'if they are fees of this month: --fees-without-date',
    );
  }
}

/** Sums and fees are told from others by what they are for. */
function withCharge(line: BillingLine, at: Record<GenericColumn, number>): BillingLine {
  const dimension = (column: GenericColumn, value: string | null) =>
    at[column] === -1 ? null : (value ?? '').toLowerCase();
  line.charge = chargeOf({
    id: dimension('id', line.externalId),
    assistant: dimension('assistant_id', line.assistantId),
    model: dimension('model', line.model === null ? null : modelKey(line.model)),
    item: dimension('description', line.description),
    type: dimension('type', line.raw),
    unit: dimension('unit', line.unit),
    at: line.kind === 'aggregate' && line.startedAt !== null ? partOfDay(line.startedAt, line.endedAt) : null,
  });
  return line;
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
