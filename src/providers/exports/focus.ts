import { fileFault } from '../../files/bad-lines.ts';
import { CellFault, type CellFormat, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { openCsvTable, parseMapping, type Table } from '../../files/table-rows.ts';
import { multiplyDecimal } from '../../values/decimal-math.ts';
import { epochMicros, secondsBetween } from '../../values/instant-math.ts';
import {
  type BillingLine,
  emptyLine,
  isNegative,
  providerOf,
  rawObject,
  textOrNull,
} from './billing-line.ts';
import { exclusiveEnd } from './charge.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { focusCharge } from './focus-charge.ts';
import { type FocusCell, type FocusColumn, focusColumns } from './focus-columns.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { hasColumns, isMoneyName } from './shape.ts';

type Value = (column: FocusColumn) => string;

const hourMicros = 3_600_000_000;
const dayMicros = 24 * hourMicros;

/** What a consumed unit is in seconds; FOCUS writes units in the plural. */
const secondsPerUnit: Record<string, number | undefined> = {
  second: 1,
  seconds: 1,
  minute: 60,
  minutes: 60,
  hour: 3600,
  hours: 3600,
};

/** No value, as databases write it into files. */
const nullWord = /^(?:null|\\N)$/i;

/**
 * FOCUS 1.0 to 1.3 (FinOps Open Cost and Usage Specification). The cost is EffectiveCost: with prepaid
 * credits BilledCost is 0 for usage and the whole purchase for the purchase. ChargePeriodEnd is exclusive, all
 * times are UTC. Only category Usage is usage; purchases, taxes, credits and adjustments are fees.
 */
export const focus: ExportReader = {
  format: 'focus',
  title: 'FOCUS 1.0 to 1.3 (CSV or Parquet)',
  provider: null,
  statesMoney: true,
  recognises: (shape) => hasColumns(shape, 'ChargeCategory', 'ChargePeriodStart'),
  lines: (input: Input, settings: ReaderSettings) => {
    const mapping = parseMapping(settings.mapping, focusColumns);
    const table = openCsvTable(input, focusColumns, settings.badLines, mapping);
    requireColumns(input, table, settings);
    const at = table.columns;
    const rows = linesFromRows(input, table.batches(), settings.badLines, {
      amountOf: (row) => amountIn(row[at.EffectiveCost]),
      read: (row, { number }, lines) => {
        const cell = (column: FocusColumn) => {
          const text = row[at[column]] ?? '';
          return at[column] === -1 ? null : nullWord.test(text.trim()) ? '' : text;
        };
        lines.push(chargeLine(cell, number, row, settings));
      },
    });
    return watchLongSums(rows, settings.notice);
  },
};

/** What the specification demands and a converter may have left out can be said in another way, which is named. */
function requireColumns(
  input: Input,
  { columns, unknown }: Table<FocusColumn>,
  settings: ReaderSettings,
): void {
  const cost = columns.BilledCost !== -1 ? 'BilledCost' : (unknown.find(isMoneyName) ?? 'THEIR COLUMN');
  const needs: [isMet: boolean, column: string, args: string[]][] = [
    [columns.EffectiveCost !== -1, 'EffectiveCost', ['--map', `${cost}=EffectiveCost`]],
    [columns.BillingCurrency !== -1 || settings.currency !== null, 'BillingCurrency', ['--currency', 'USD']],
    [
      columns.ServiceProviderName !== -1 || columns.ProviderName !== -1 || settings.provider !== null,
      'ProviderName',
      ['--provider', 'NAME'],
    ],
  ];
  const missing = needs.filter(([isMet]) => !isMet);
  if (missing.length > 0) {
    const names = missing.map(([, column]) => `"${column}"`).join(', ');
    throw fileFault({
      file: input.name,
      line: 1,
      column: null,
      reason: `FOCUS has a column ${names}, and this file has none`,
      suggestion: settings.propose(missing.flatMap(([, , args]) => args)),
    });
  }
}

/** Logs are compared with sums of days: the sum of a month will differ from its first day's logs. */
async function* watchLongSums(
  batches: AsyncIterable<BillingLine[]>,
  notice: (text: string) => void,
): AsyncGenerator<BillingLine[], void, undefined> {
  let long = 0;
  for await (const lines of batches) {
    for (const { kind, startedAt, endedAt } of lines) {
      if (kind !== 'aggregate' || startedAt === null || endedAt === null) {
        continue;
      }
      if (exclusiveEnd(endedAt) - epochMicros(startedAt) > dayMicros) {
        long += 1;
      }
    }
    yield lines;
  }
  if (long > 0) {
    notice(`${long} sums are of more than a day; each is compared with the logs of its first day`);
  }
}

function chargeLine(
  cell: FocusCell,
  lineNumber: number,
  row: string[],
  settings: ReaderSettings,
): BillingLine {
  const textOf: FocusCell = (column) => cell(column)?.trim() ?? null;
  const value = (column: FocusColumn) => textOf(column) ?? '';
  const cells: CellFormat = { ...settings.cells, assumeUtc: true };
  // As they stand in the file, which is what its messages show.
  const decimal = (column: FocusColumn) => decimalCell(cell(column) ?? '', column, cells);
  const billedCost = decimal('BilledCost') ?? '';
  const cost = requiredCell(decimal('EffectiveCost'), 'EffectiveCost');
  const { startedAt, endedAt } = chargePeriod(value, cells);
  const category = requiredCell(value('ChargeCategory'), 'ChargeCategory');
  const kind = kindOf(value, { category, cost, startedAt, endedAt });
  const named = value('ServiceProviderName') || value('ProviderName') || (settings.provider ?? '');
  const line = emptyLine(
    lineNumber,
    providerOf(requiredCell(named, 'ProviderName'), settings.provider),
    kind,
  );
  line.startedAt = startedAt;
  line.endedAt = endedAt;
  line.cost = cost;
  const currency = value('BillingCurrency') || (settings.currency ?? '');
  line.currency = requiredCell(currency, 'BillingCurrency').toUpperCase();
  line.quantity = decimal('ConsumedQuantity');
  line.unit = textOrNull(value('ConsumedUnit').toLowerCase());
  line.description = textOrNull(value('ChargeDescription'));
  line.model = textOrNull(value('x_Model') || value('SkuId'));
  line.invoiceMonth = invoiceMonth(value, cells);
  line.charge = focusCharge(textOf, line, row);
  line.raw = rawObject(
    {
      chargeCategory: category,
      chargeClass: value('ChargeClass'),
      invoiceId: value('InvoiceId'),
      provider: named,
      resourceId: kind === 'fee' ? value('ResourceId') : '',
    },
    { billedCost },
  );
  if (kind === 'call') {
    line.externalId = value('ResourceId');
    line.status = 'ended';
    line.durationSeconds = consumedSeconds(line) ?? secondsBetween(startedAt, endedAt);
  } else if (kind === 'aggregate') {
    line.assistantId = textOrNull(value('ResourceId'));
    line.day = startedAt.slice(0, 10);
    line.durationSeconds = consumedSeconds(line);
  }
  return line;
}

function chargePeriod(value: Value, cells: CellFormat): { startedAt: string; endedAt: string } {
  const instant = (column: FocusColumn) => requiredCell(instantCell(value(column), column, cells), column);
  const startedAt = instant('ChargePeriodStart');
  const endedAt = instant('ChargePeriodEnd');
  if (epochMicros(endedAt) < epochMicros(startedAt)) {
    throw new CellFault('ChargePeriodEnd', 'is before ChargePeriodStart');
  }
  return { startedAt, endedAt };
}

/** On whose invoice it is: a correction of May that June's invoice has is June's. */
function invoiceMonth(value: Value, cells: CellFormat): string | null {
  const start = instantCell(value('BillingPeriodStart'), 'BillingPeriodStart', cells);
  return start === null ? null : `${start.slice(0, 7)}-01`;
}

/** A correction of a call, or what is given back for it, is no second call: it would be missing in the sum. */
function kindOf(
  value: Value,
  { category, cost, startedAt, endedAt }: Record<'category' | 'cost' | 'startedAt' | 'endedAt', string>,
): BillingLine['kind'] {
  if (!/^usage$/i.test(category)) {
    return 'fee';
  }
  if (!isCall(value('ResourceId'), startedAt, endedAt)) {
    return 'aggregate';
  }
  return isNegative(cost) || /^correction$/i.test(value('ChargeClass')) ? 'fee' : 'call';
}

/**
 * FOCUS does not say whether a resource is a call. Sums are cut at full hours, days or months, though some write the
 * last second before; a call begins and ends at any second.
 */
function isCall(resourceId: string, startedAt: string, endedAt: string): boolean {
  const isOnTheHour = (micros: number) => micros % hourMicros === 0;
  return resourceId !== '' && !(isOnTheHour(epochMicros(startedAt)) && isOnTheHour(exclusiveEnd(endedAt)));
}

function consumedSeconds({ quantity, unit }: BillingLine): string | null {
  const factor = secondsPerUnit[unit ?? ''];
  return quantity === null || factor === undefined ? null : multiplyDecimal(quantity, factor);
}
