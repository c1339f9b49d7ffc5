import { decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { openCsvTable } from '../../files/table-rows.ts';
import { parseDay } from '../../values/instant.ts';
import { tokenTypeOf } from './anthropic-costs.ts';
import { type BillingLine, emptyLine, rawObject, textOrNull } from './billing-line.ts';
import { chargeOf, digestOf, modelKey, rowOf } from './charge.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { hasColumns } from './shape.ts';

const costColumns = [
  { name: 'usage_date_utc', required: true },
  { name: 'cost_usd', required: true },
  { name: 'model' },
  { name: 'workspace' },
  { name: 'api_key' },
  { name: 'usage_type' },
  { name: 'context_window' },
  { name: 'token_type' },
  { name: 'cost_type' },
  { name: 'inference_geo' },
  { name: 'speed' },
] as const;

/** Null: the file has no such column. */
type Cell = (column: (typeof costColumns)[number]['name']) => string | null;

/**
 * The Cost download of Anthropic's console, of 9 columns (2025) to 14 (2026): one row per day, model under its display
 * name, workspace, key, kind of use and of tokens, in dollars and by days of UTC. Rows of 0.00 are many.
 */
export const anthropicCostsCsv: ExportReader = {
  format: 'anthropic-costs-csv',
  title: 'Anthropic costs (CSV of the console)',
  provider: 'anthropic',
  statesMoney: true,
  recognises: (shape) => hasColumns(shape, 'usage_date_utc', 'cost_usd'),
  lines: (input: Input, settings: ReaderSettings) => {
    const { columns: at, batches } = openCsvTable(input, costColumns, settings.badLines);
    return linesFromRows(input, batches(), settings.badLines, {
      amountColumn: 'cost_usd',
      mayHaveTotals: true,
      amountOf: (row) => amountIn(row[at.cost_usd]),
      read: (row, { number }, lines) => {
        const cell = (column: keyof typeof at) => (at[column] === -1 ? null : (row[at[column]] ?? ''));
        lines.push(costLine(cell, number, row, settings));
      },
    });
  },
};

function costLine(
  cell: Cell,
  lineNumber: number,
  row: readonly string[],
  { cells }: ReaderSettings,
): BillingLine {
  const value = (column: Parameters<Cell>[0]) => cell(column) ?? '';
  const date = value('usage_date_utc');
  const startedAt = instantCell(date, 'usage_date_utc', { ...cells, assumeUtc: true });
  const day = parseDay(date) ?? requiredCell(startedAt, 'usage_date_utc').slice(0, 10);
  const line = emptyLine(lineNumber, 'anthropic', 'aggregate');
  line.startedAt = startedAt;
  line.day = day;
  line.cost = requiredCell(decimalCell(value('cost_usd'), 'cost_usd', cells), 'cost_usd');
  line.model = textOrNull(value('model'));
  const [costType, tokenType] = [value('cost_type'), value('token_type')];
  line.description = textOrNull([value('model'), tokenType || costType].filter(Boolean).join(', '));
  line.raw = rawObject({ costType, tokenType, workspace: value('workspace') });
  line.charge = chargeOf({
    model: modelKey(value('model')),
    tokens: tokenTypeOf(tokenType),
    item: value('model') === '' ? costType : '',
    workspace: cell('workspace'),
    key: cell('api_key') === null ? null : (digestOf(value('api_key')) ?? ''),
    use: cell('usage_type'),
    window: cell('context_window')?.replace(/[^\dkKmM]/g, ''),
    geo: cell('inference_geo'),
    speed: cell('speed'),
    row: rowOf(row),
  });
  return line;
}
