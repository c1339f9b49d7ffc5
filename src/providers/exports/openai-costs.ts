import { CellFault, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import { jsonRows, recordsIn } from '../../files/json/json-rows.ts';
import type { Input } from '../../files/open-input.ts';
import { openCsvTable } from '../../files/table-rows.ts';
import { parseUnixSeconds } from '../../values/instant.ts';
import { type BillingLine, emptyLine, rawObject, textOrNull } from './billing-line.ts';
import {
  type ExportReader,
  hasColumns,
  hasMembers,
  linesFromRows,
  type ReaderSettings,
} from './export-reader.ts';
import { watchPages } from './pages.ts';

const utc = { assumeUtc: true };

const costColumns = [
  { name: 'start_time', required: true },
  { name: 'end_time' },
  { name: 'start_time_iso' },
  { name: 'end_time_iso' },
  { name: 'amount_value', required: true },
  { name: 'amount_currency' },
  { name: 'line_item' },
  { name: 'project_id' },
] as const;

/**
 * The Cost export of OpenAI's dashboard: one row per day, line item and project, amounts with 16 digits. A day
 * without cost is a row whose later columns are empty, and gives no line. Days are UTC.
 */
export const openAiCostsCsv: ExportReader = {
  format: 'openai-costs-csv',
  title: 'OpenAI costs (CSV of the dashboard)',
  provider: 'openai',
  recognises: (shape) => hasColumns(shape, 'start_time', 'amount_value'),
  lines: (input: Input, settings: ReaderSettings) => {
    const { columns: at, batches } = openCsvTable(input, costColumns, settings.badLines);
    return linesFromRows(input, batches(), settings.badLines, (row, number, lines) => {
      const value = (column: keyof typeof at) => row[at[column]] ?? '';
      if (value('amount_value') === '' && value('line_item') === '') {
        return;
      }
      const line = dayLine(number, {
        start: bucketTime(value('start_time_iso'), value('start_time'), 'start_time'),
        end: bucketTime(value('end_time_iso'), value('end_time'), 'end_time'),
      });
      line.cost = requiredCell(
        decimalCell(value('amount_value'), 'amount_value', settings.cells),
        'amount_value',
      );
      line.currency = value('amount_currency').toUpperCase() || 'USD';
      describe(line, value('line_item'));
      line.raw = rawObject({ projectId: value('project_id') });
      lines.push(line);
    });
  },
};

/**
 * The answers of `GET /v1/organization/costs`: buckets of a day in Unix seconds, whose results have an amount
 * (seen as number and as text) and, where grouped, line item, project and key.
 */
export const openAiCosts: ExportReader = {
  format: 'openai-costs',
  title: 'OpenAI costs (the answers of /v1/organization/costs)',
  provider: 'openai',
  recognises: (shape) =>
    hasMembers(shape, ['data'], 'start_time', 'results') ||
    hasMembers(shape, [], 'object', 'data', 'has_more'),
  lines: (input: Input, settings: ReaderSettings) => {
    const pages = watchPages(input, settings, { more: ['has_more'] });
    const fields = ['start_time', 'end_time', 'results'];
    const shape = { fields, nested: ['results'], envelopes: ['data'], ...pages.shape };
    const rows = pages.watch(jsonRows(input, shape, settings.badLines));
    let count = 0;
    return linesFromRows(input, rows, settings.badLines, ([start = '', end = '', results = ''], _, lines) => {
      if (results === '') {
        throw new CellFault('results', 'is missing: this is not a bucket of costs');
      }
      const period = { start: bucketTime('', start, 'start_time'), end: bucketTime('', end, 'end_time') };
      for (const result of recordsIn(results, resultShape, 'results')) {
        count += 1;
        const line = costResult(result, count, period);
        if (line !== null) {
          lines.push(line);
        }
      }
    });
  },
};

const resultShape = {
  fields: ['object', 'amount', 'line_item', 'project_id', 'api_key_id', 'quantity'],
  nested: ['amount'],
};

function costResult(row: string[], lineNumber: number, period: Period): BillingLine | null {
  const [object = '', amount = '', lineItem = '', projectId = '', apiKeyId = '', quantity = ''] = row;
  if (object !== '' && object !== 'organization.costs.result') {
    throw new CellFault('results', `holds ${object}, not costs`, 'export the costs, not the usage');
  }
  if (amount === '') {
    return null;
  }
  const [value = '', currency = ''] = recordsIn(amount, { fields: ['value', 'currency'] }, 'amount')[0] ?? [];
  const line = dayLine(lineNumber, period);
  line.cost = requiredCell(decimalCell(value, 'amount', utc), 'amount');
  line.currency = currency.toUpperCase() || 'USD';
  line.quantity = decimalCell(quantity, 'quantity', utc);
  describe(line, lineItem);
  line.raw = rawObject({ projectId, apiKeyId });
  return line;
}

export interface Period {
  start: string;
  /** Exclusive. */
  end: string | null;
}

/** A line for the sum of one day, which is the day on which its bucket starts. */
export function dayLine(lineNumber: number, { start, end }: Period): BillingLine {
  const line = emptyLine(lineNumber, 'openai', 'aggregate');
  line.startedAt = start;
  line.endedAt = end;
  line.day = start.slice(0, 10);
  return line;
}

/** A time of a bucket: ISO 8601 if the file has it, else Unix seconds, which may be printed as a float. */
export function bucketTime(iso: string, unix: string, column: 'start_time'): string;
export function bucketTime(iso: string, unix: string, column: 'end_time'): string | null;
export function bucketTime(iso: string, unix: string, column: string): string | null {
  const instant =
    instantCell(iso, `${column}_iso`, utc) ?? parseUnixSeconds(unix) ?? instantCell(unix, column, utc);
  return column === 'start_time' ? requiredCell(instant, column) : instant;
}

/** A line item such as `gpt-4o-2024-08-06, input` begins with the model. */
function describe(line: BillingLine, lineItem: string): void {
  line.description = textOrNull(lineItem);
  line.model = textOrNull((lineItem.split(',')[0] ?? '').trim());
}
