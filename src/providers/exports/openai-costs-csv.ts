import { decimalCell, requiredCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { openCsvTable } from '../../files/table-rows.ts';
import { rowOf } from './charge.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { bucketTime, costLine } from './openai-costs.ts';
import { hasColumns, type Shape } from './shape.ts';

const costColumns = [
  { name: 'start_time', required: true },
  { name: 'end_time' },
  { name: 'start_time_iso' },
  { name: 'end_time_iso' },
  { name: 'amount_value' },
  { name: 'amount_currency' },
  { name: 'quantity' },
  { name: 'quantity_unit' },
  { name: 'line_item' },
  { name: 'project_id' },
  { name: 'api_key_id' },
  { name: 'user_id' },
  { name: 'api_source' },
] as const;

/** The times of buckets and nothing else: what the dashboard writes when nothing was used or charged in them. */
const isEmptyDownload = (shape: Shape) =>
  shape.kind === 'csv' &&
  shape.columns.size === 4 &&
  hasColumns(shape, 'start_time', 'end_time', 'start_time_iso', 'end_time_iso');

/**
 * The Cost download of OpenAI's dashboard, of 4 columns (nothing was charged) to 17 (seen since 2025): one row per
 * day, and line item, project, key and user so far as it was grouped by them; amounts of up to 36 digits after the
 * point. A day without cost is a row whose later columns are empty, and gives no line. Days are UTC.
 */
export const openAiCostsCsv: ExportReader = {
  format: 'openai-costs-csv',
  title: 'OpenAI costs (CSV of the dashboard)',
  provider: 'openai',
  statesMoney: true,
  recognises: (shape) => hasColumns(shape, 'start_time', 'amount_value') || isEmptyDownload(shape),
  lines: (input: Input, settings: ReaderSettings) => {
    const { columns: at, batches } = openCsvTable(input, costColumns, settings.badLines);
    return linesFromRows(input, batches(), settings.badLines, {
      amountColumn: 'amount_value',
      mayHaveTotals: true,
      amountOf: (row) => amountIn(row[at.amount_value]),
      read: (row, { number }, lines) => {
        const value = (column: keyof typeof at) => row[at[column]] ?? '';
        const start = bucketTime(value('start_time_iso'), value('start_time'), 'start_time');
        const end = bucketTime(value('end_time_iso'), value('end_time'), 'end_time');
        settings.covers(start, end);
        if (value('amount_value') === '' && value('line_item') === '') {
          return;
        }
        const cost = decimalCell(value('amount_value'), 'amount_value', settings.cells);
        const line = costLine(
          number,
          { start, end },
          {
            cost: requiredCell(cost, 'amount_value'),
            currency: value('amount_currency') || settings.currency || 'USD',
            quantity: decimalCell(value('quantity'), 'quantity', settings.cells),
            unit: value('quantity_unit'),
            lineItem: value('line_item'),
            projectId: value('project_id'),
            apiKeyId: value('api_key_id'),
            userId: value('user_id'),
            source: value('api_source'),
            row: rowOf(row),
          },
        );
        lines.push(line);
      },
    });
  },
};
