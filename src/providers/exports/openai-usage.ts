import { CellFault, decimalCell, wholeCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { openCsvTable } from '../../files/table-rows.ts';
import { type BillingLine, rawObject, textOrNull } from './billing-line.ts';
import { chargeOf, digestOf, modelKey, partOfDay, rowOf } from './charge.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { linesFromRows } from './lines-from-rows.ts';
import { bucketTime, dayLine } from './openai-costs.ts';
import { hasColumns } from './shape.ts';

/** Counters worth showing beside the number of requests; they are printed as floats (`10.0`). */
const tokenColumns = [
  'input_tokens',
  'output_tokens',
  'input_cached_tokens',
  'input_audio_tokens',
  'output_audio_tokens',
  'characters',
] as const;

/** Further dimensions by which rows may be grouped. */
const dimensionColumns = ['batch', 'service_tier', 'size', 'source'] as const;

const usageColumns = [
  { name: 'start_time', required: true },
  { name: 'end_time' },
  { name: 'start_time_iso' },
  { name: 'end_time_iso' },
  { name: 'model' },
  { name: 'num_model_requests' },
  { name: 'seconds' },
  { name: 'project_id' },
  { name: 'api_key_id' },
  { name: 'user_id' },
  ...dimensionColumns.map((name) => ({ name })),
  ...tokenColumns.map((name) => ({ name })),
] as const;

type Value = (column: (typeof usageColumns)[number]['name']) => string;

/**
 * The activity export of OpenAI's dashboard, of 10 to 26 columns: per day, hour or minute, model, project and key the
 * requests, or for transcriptions the seconds. A model may have several rows a day; a day without use is an empty row.
 * It has no costs, and may be given beside the costs.
 */
export const openAiUsageCsv: ExportReader = {
  format: 'openai-usage-csv',
  title: 'OpenAI activity (CSV of the dashboard)',
  provider: 'openai',
  statesMoney: false,
  recognises: (shape) =>
    hasColumns(shape, 'start_time', 'num_model_requests') ||
    hasColumns(shape, 'start_time', 'model', 'seconds'),
  lines: (input: Input, settings: ReaderSettings) => {
    const { columns: at, batches } = openCsvTable(input, usageColumns, settings.badLines);
    return linesFromRows(input, batches(), settings.badLines, {
      read: (row, { number }, lines) => {
        const line = usageLine((column) => row[at[column]] ?? '', number, row, settings);
        if (line !== null) {
          lines.push(line);
        }
      },
    });
  },
};

function usageLine(
  value: Value,
  lineNumber: number,
  row: readonly string[],
  { cells, covers }: ReaderSettings,
): BillingLine | null {
  const start = bucketTime(value('start_time_iso'), value('start_time'), 'start_time');
  const end = bucketTime(value('end_time_iso'), value('end_time'), 'end_time');
  covers(start, end);
  const requests = wholeCell(value('num_model_requests'), 'num_model_requests', cells);
  const seconds = decimalCell(value('seconds'), 'seconds', cells);
  if (requests === null && seconds === null) {
    if (value('model') === '') {
      return null;
    }
    throw new CellFault('num_model_requests', 'is empty');
  }
  const line = dayLine(lineNumber, { start, end });
  line.model = textOrNull(value('model'));
  line.durationSeconds = seconds;
  line.quantity = requests ?? seconds;
  line.unit = requests === null ? 'second' : 'request';
  const tokens = Object.fromEntries(
    tokenColumns.map((name) => [name, wholeCell(value(name), name, cells) ?? '']),
  );
  line.raw = rawObject({ projectId: value('project_id'), apiKeyId: value('api_key_id') }, tokens);
  line.charge = chargeOf({
    model: textOrNull(modelKey(value('model'))),
    project: textOrNull(value('project_id')),
    key: digestOf(value('api_key_id')),
    user: digestOf(value('user_id')),
    ...Object.fromEntries(dimensionColumns.map((name) => [name, textOrNull(value(name).toLowerCase())])),
    at: partOfDay(start, end),
    row: rowOf(row),
  });
  return line;
}
