import { CellFault, decimalCell, wholeCell } from '../../files/cells.ts';
import type { Input } from '../../files/open-input.ts';
import { openCsvTable } from '../../files/table-rows.ts';
import { rawObject, textOrNull } from './billing-line.ts';
import { type ExportReader, hasColumns, linesFromRows, type ReaderSettings } from './export-reader.ts';
import { bucketTime, dayLine } from './openai-costs.ts';

/** Counters worth showing beside the number of requests; they are printed as floats (`10.0`). */
const tokenColumns = [
  'input_tokens',
  'output_tokens',
  'input_cached_tokens',
  'input_audio_tokens',
  'output_audio_tokens',
  'characters',
] as const;

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
  ...tokenColumns.map((name) => ({ name })),
] as const;

/**
 * The activity export of OpenAI's dashboard: per day, model, project and key the requests, or for
 * transcriptions the seconds. A model may have several rows a day; a day without use is an empty row. It has
 * no costs.
 */
export const openAiUsageCsv: ExportReader = {
  format: 'openai-usage-csv',
  title: 'OpenAI activity (CSV of the dashboard)',
  provider: 'openai',
  recognises: (shape) =>
    hasColumns(shape, 'start_time', 'num_model_requests') ||
    hasColumns(shape, 'start_time', 'model', 'seconds'),
  lines: (input: Input, settings: ReaderSettings) => {
    const { columns: at, batches } = openCsvTable(input, usageColumns, settings.badLines);
    return linesFromRows(input, batches(), settings.badLines, (row, number, lines) => {
      const value = (column: keyof typeof at) => row[at[column]] ?? '';
      const requests = wholeCell(value('num_model_requests'), 'num_model_requests');
      const seconds = decimalCell(value('seconds'), 'seconds', settings.cells);
      if (requests === null && seconds === null) {
        if (value('model') === '') {
          return;
        }
        throw new CellFault('num_model_requests', 'is empty');
      }
      const line = dayLine(number, {
        start: bucketTime(value('start_time_iso'), value('start_time'), 'start_time'),
        end: bucketTime(value('end_time_iso'), value('end_time'), 'end_time'),
      });
      line.model = textOrNull(value('model'));
      line.durationSeconds = seconds;
      line.quantity = requests ?? seconds;
      line.unit = requests === null ? 'second' : 'request';
      const tokens = Object.fromEntries(
        tokenColumns.map((name) => [name, wholeCell(value(name), name) ?? '']),
      );
      line.raw = rawObject({ projectId: value('project_id'), apiKeyId: value('api_key_id') }, tokens);
      lines.push(line);
    });
  },
};
