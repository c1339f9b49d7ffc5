import { CellFault, type CellFormat, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import type { Input } from '../../files/open-input.ts';
import { openCsvTable } from '../../files/table-rows.ts';
import { multiplyDecimal } from '../../values/decimal.ts';
import { epochMicros, secondsBetween } from '../../values/instant.ts';
import {
  type BillingLine,
  emptyLine,
  isNegative,
  providerOf,
  rawObject,
  textOrNull,
} from './billing-line.ts';
import { type ExportReader, hasColumns, linesFromRows, type ReaderSettings } from './export-reader.ts';

const columns = [
  { name: 'BilledCost', required: true },
  { name: 'EffectiveCost', required: true },
  { name: 'BillingCurrency', required: true },
  { name: 'ChargeCategory', required: true },
  { name: 'ChargePeriodStart', required: true },
  { name: 'ChargePeriodEnd', required: true },
  { name: 'ServiceProviderName' },
  { name: 'ProviderName' },
  { name: 'ChargeClass' },
  { name: 'ChargeDescription' },
  { name: 'ConsumedQuantity' },
  { name: 'ConsumedUnit' },
  { name: 'InvoiceId' },
  { name: 'ResourceId' },
  { name: 'SkuId' },
  { name: 'x_Model' },
] as const;

type Value = (column: (typeof columns)[number]['name']) => string;

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

/**
 * FOCUS 1.2 and 1.3 (FinOps Open Cost and Usage Specification). The cost is EffectiveCost: with prepaid
 * credits BilledCost is 0 for usage and the whole purchase for the purchase. ChargePeriodEnd is exclusive, all
 * times are UTC. Only category Usage is usage; purchases, taxes, credits and adjustments are fees.
 */
export const focus: ExportReader = {
  format: 'focus',
  title: 'FOCUS 1.2 or 1.3 (CSV)',
  provider: null,
  recognises: (shape) => hasColumns(shape, 'ChargeCategory', 'ChargePeriodStart'),
  lines: (input: Input, settings: ReaderSettings) => {
    const table = openCsvTable(input, columns, settings.badLines);
    const at = table.columns;
    const cells = { ...settings.cells, assumeUtc: true };
    const rows = linesFromRows(input, table.batches(), settings.badLines, (row, number, lines) => {
      lines.push(chargeLine((column) => row[at[column]] ?? '', number, cells, settings.provider));
    });
    return watchLongSums(rows, settings.notice);
  },
};

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
      if (epochMicros(endedAt) - epochMicros(startedAt) > dayMicros) {
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
  value: Value,
  lineNumber: number,
  cells: CellFormat,
  provider: string | null,
): BillingLine {
  const billedCost = requiredCell(decimalCell(value('BilledCost'), 'BilledCost', cells), 'BilledCost');
  const cost = requiredCell(decimalCell(value('EffectiveCost'), 'EffectiveCost', cells), 'EffectiveCost');
  const startedAt = requiredCell(
    instantCell(value('ChargePeriodStart'), 'ChargePeriodStart', cells),
    'ChargePeriodStart',
  );
  const endedAt = requiredCell(
    instantCell(value('ChargePeriodEnd'), 'ChargePeriodEnd', cells),
    'ChargePeriodEnd',
  );
  if (epochMicros(endedAt) < epochMicros(startedAt)) {
    throw new CellFault('ChargePeriodEnd', 'is before ChargePeriodStart');
  }
  const category = requiredCell(value('ChargeCategory'), 'ChargeCategory');
  const kind = kindOf(value, { category, cost, startedAt, endedAt });
  const named = value('ServiceProviderName') || value('ProviderName');
  const line = emptyLine(lineNumber, providerOf(requiredCell(named, 'ProviderName'), provider), kind);
  line.startedAt = startedAt;
  line.endedAt = endedAt;
  line.cost = cost;
  line.currency = requiredCell(value('BillingCurrency'), 'BillingCurrency').toUpperCase();
  line.quantity = decimalCell(value('ConsumedQuantity'), 'ConsumedQuantity', cells);
  line.unit = textOrNull(value('ConsumedUnit').toLowerCase());
  line.description = textOrNull(value('ChargeDescription'));
  line.model = textOrNull(value('x_Model') || value('SkuId'));
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

/** A correction of a call, or what is given back for it, is no second call: it would be missing in the sum. */
function kindOf(
  value: Value,
  { category, cost, startedAt, endedAt }: Record<'category' | 'cost' | 'startedAt' | 'endedAt', string>,
): BillingLine['kind'] {
  if (category !== 'Usage') {
    return 'fee';
  }
  if (!isCall(value('ResourceId'), startedAt, endedAt)) {
    return 'aggregate';
  }
  return isNegative(cost) || value('ChargeClass') === 'Correction' ? 'fee' : 'call';
}

/**
 * FOCUS does not say whether a resource is a call. Sums are cut at full hours, days or months; a call begins
 * and ends at any second.
 */
function isCall(resourceId: string, startedAt: string, endedAt: string): boolean {
  const onTheHour = (instant: string) => epochMicros(instant) % hourMicros === 0;
  return resourceId !== '' && !(onTheHour(startedAt) && onTheHour(endedAt));
}

function consumedSeconds({ quantity, unit }: BillingLine): string | null {
  const factor = secondsPerUnit[unit ?? ''];
  return quantity === null || factor === undefined ? null : multiplyDecimal(quantity, factor);
}
