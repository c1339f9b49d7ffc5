import { CellFault, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { batchIn, jsonRows, recordsIn } from '../../files/json/json-rows.ts';
import { parseUnixSeconds } from '../../values/instant.ts';
import { type BillingLine, emptyLine, rawObject, textOrNull } from './billing-line.ts';
import { chargeOf, digestOf, partOfDay, recordOf } from './charge.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { amountIn, linesFromRows, type RejectPart, readParts } from './lines-from-rows.ts';
import { watchPages } from './pages.ts';
import { firstValue, hasMembers } from './shape.ts';

const utc = { assumeUtc: true };

/**
 * The answers of `GET /v1/organization/costs`: buckets of a day in Unix seconds, whose results have an amount
 * (seen as number and as text, of up to 36 digits after the point, a zero as `0E-6176`) and, where grouped, line item,
 * project and key. A result that cannot be read is left out by itself.
 */
export const openAiCosts: ExportReader = {
  format: 'openai-costs',
  title: 'OpenAI costs (the answers of /v1/organization/costs)',
  provider: 'openai',
  statesMoney: true,
  recognises: (shape) =>
    hasMembers(shape, ['data'], 'start_time', 'results') ||
    (hasMembers(shape, [], 'object', 'data', 'has_more') && firstValue(shape, [], 'object') === 'page'),
  lines: (input: Input, settings: ReaderSettings) => {
    const pages = watchPages(input, settings, { more: ['has_more'] });
    const fields = ['start_time', 'end_time', 'results'];
    const shape = { fields, nested: ['results'], envelopes: ['data'], ...pages.shape };
    const rows = pages.watch(jsonRows(input, shape, settings.badLines));
    let count = 0;
    const readBucket = (row: string[], lines: BillingLine[], reject: RejectPart) => {
      const [start = '', end = '', results = ''] = row;
      if (results === '') {
        throw new CellFault('results', 'is missing: this is not a bucket of costs');
      }
      const period = { start: bucketTime('', start, 'start_time'), end: bucketTime('', end, 'end_time') };
      settings.covers(period.start, period.end);
      const read = (result: string[], text: string) => {
        count += 1;
        const line = costResult(result, count, period, recordOf(text));
        if (line !== null) {
          lines.push(line);
        }
      };
      const amountOf = ([, amount = '']: string[]) => amountIn(/"value"\s*:\s*"?([^",}]+)/.exec(amount)?.[1]);
      readParts(batchIn(results, resultShape, 'results'), 'results', reject, { read, amountOf });
    };
    return linesFromRows(input, rows, settings.badLines, {
      read: (row, { reject }, lines) => readBucket(row, lines, reject),
    });
  },
};

const resultShape = {
  fields: ['object', 'amount', 'line_item', 'project_id', 'api_key_id', 'quantity'],
  nested: ['amount'],
};

function costResult(
  row: string[],
  lineNumber: number,
  period: Period,
  record: string | null,
): BillingLine | null {
  const [object = '', amount = '', lineItem = '', projectId = '', apiKeyId = '', quantity = ''] = row;
  if (object !== '' && object !== 'organization.costs.result') {
    throw new CellFault('object', `holds ${object}, not costs`, 'export the costs, not the usage');
  }
  if (amount === '') {
    return null;
  }
  const [value = '', currency = ''] = recordsIn(amount, { fields: ['value', 'currency'] }, 'amount')[0] ?? [];
  return costLine(lineNumber, period, {
    cost: requiredCell(decimalCell(value, 'amount', utc), 'amount'),
    currency: currency || 'USD',
    quantity: decimalCell(quantity, 'quantity', utc),
    unit: '',
    lineItem,
    projectId,
    apiKeyId,
    userId: '',
    source: '',
    row: record,
  });
}

export interface Period {
  start: string;
  /** Exclusive. */
  end: string | null;
}

interface Cost {
  cost: string;
  currency: string;
  quantity: string | null;
  unit: string;
  lineItem: string;
  projectId: string;
  apiKeyId: string;
  userId: string;
  source: string;
  /** See `rowOf`. */
  row: string | null;
}

/** What a day cost, in one line item, project, key and user, so far as the costs were asked for by them. */
export function costLine(lineNumber: number, period: Period, costs: Cost): BillingLine {
  const { lineItem, projectId, apiKeyId, userId, source } = costs;
  const line = dayLine(lineNumber, period);
  line.cost = costs.cost;
  line.currency = costs.currency.toUpperCase();
  line.quantity = costs.quantity;
  line.unit = textOrNull(costs.unit);
  line.description = textOrNull(lineItem);
  // A line item such as `gpt-4o-2024-08-06, input` begins with the model.
  line.model = textOrNull((lineItem.split(',')[0] ?? '').trim());
  line.raw = rawObject({ projectId, apiKeyId });
  line.charge = chargeOf({
    item: textOrNull(lineItem.toLowerCase()),
    project: textOrNull(projectId),
    key: digestOf(apiKeyId),
    user: digestOf(userId),
    source: textOrNull(source),
    at: partOfDay(period.start, period.end),
    row: costs.row,
  });
  return line;
}

/** A line for the sum of one day, which is the day on which its bucket starts. */
export function dayLine(lineNumber: number, { start, end }: Period): BillingLine {
  const line = emptyLine(lineNumber, 'openai', 'aggregate');
  line.startedAt = start;
  line.endedAt = end;
  line.day = start.slice(0, 10);
  return line;
}

/** A time of a bucket: Unix seconds, which may be printed as a float, or else ISO 8601. */
export function bucketTime(iso: string, unix: string, column: 'start_time'): string;
export function bucketTime(iso: string, unix: string, column: 'end_time'): string | null;
export function bucketTime(iso: string, unix: string, column: string): string | null {
  const instant =
    parseUnixSeconds(unix) ?? instantCell(iso, `${column}_iso`, utc) ?? instantCell(unix, column, utc);
  return column === 'start_time' ? requiredCell(instant, column) : instant;
}
