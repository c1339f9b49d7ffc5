import {
  CellFault,
  type CellFormat,
  decimalCell,
  instantCell,
  quoted,
  secondsCell,
} from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { openCsvTable } from '../../files/table-rows.ts';
import { addSeconds, secondsBetween } from '../../values/instant-math.ts';
import { type BillingLine, emptyLine, rawObject, requireCall, textOrNull } from './billing-line.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { hasColumns, type Shape } from './shape.ts';
import { isTotalWord, totalAdvice } from './total-rows.ts';

const logColumns = [
  { name: 'call_id', required: true, aliases: ['id'] },
  { name: 'assistant_id' },
  { name: 'started_at', required: true, aliases: ['start_time', 'start'] },
  { name: 'ended_at', aliases: ['end_time', 'end'] },
  { name: 'created_at' },
  { name: 'duration', aliases: ['call_duration', 'duration_seconds'] },
  { name: 'cost', aliases: ['total_cost', 'cost_usd'] },
  { name: 'status' },
  { name: 'type', aliases: ['call_type'] },
  { name: 'ended_reason' },
] as const;

type Value = (column: (typeof logColumns)[number]['name']) => string;

/**
 * The call log that VAPI's dashboard saves, with tabs or commas: times in the zone of whoever saved it
 * (`2026-10-03 16:12:19 GMT+5:30`), durations in whole seconds. The end less the start is up to a second longer or
 * shorter than the duration, since both are cut to seconds, too.
 */
export const vapiCallLog: ExportReader = {
  format: 'vapi-call-log',
  title: 'VAPI call log (as the dashboard saves it)',
  provider: 'vapi',
  statesMoney: true,
  recognises: (shape, provider) =>
    hasColumns(shape, 'Call ID', 'Started At') &&
    (hasColumns(shape, 'Assistant ID') || hasColumns(shape, 'Ended Reason')) &&
    (provider === 'vapi' || (provider === null && hasDashboardTimes(shape))),
  lines: (input: Input, settings: ReaderSettings) => {
    const { columns: at, batches } = openCsvTable(input, logColumns, settings.badLines);
    const cells = { ...settings.cells, assumeUtc: true };
    const lines = linesFromRows(input, batches(), settings.badLines, {
      amountColumn: 'Cost',
      mayHaveTotals: true,
      amountOf: (row) => amountIn(withoutSign(row[at.cost] ?? '')),
      read: (row, { number }, read) => {
        read.push(callLine((column) => row[at[column]]?.trim() ?? '', number, cells));
      },
    });
    return watchSeconds(lines, settings.wholeSeconds);
  },
};

/** Tells at the end of the file if no duration had a fraction of a second. */
async function* watchSeconds(
  batches: AsyncIterable<BillingLine[]>,
  tell: () => void,
): AsyncGenerator<BillingLine[], void, undefined> {
  let areWhole = true;
  for await (const lines of batches) {
    areWhole &&= lines.every(({ durationSeconds }) => !/\.\d*[1-9]/.test(durationSeconds ?? ''));
    yield lines;
  }
  if (areWhole) {
    tell();
  }
}

/** The zone of whoever saved it stands with every time; calls that did not connect have none. */
function hasDashboardTimes(shape: Shape): boolean {
  if (shape.kind !== 'csv') {
    return false;
  }
  const column = shape.names.findIndex((name) => /^started at$/i.test(name));
  const starts = shape.rows.map((row) => row[column] ?? '').filter((start) => start !== '');
  return starts.every((start) => / GMT(?:[+-]\d|$)/.test(start));
}

/** Dollars are meant, whether it says so or not. */
const withoutSign = (amount: string): string => amount.replace(/^(-?)\$/, '$1');

function callLine(value: Value, lineNumber: number, cells: CellFormat): BillingLine {
  if (value('call_id') === '') {
    throw new CellFault('Call ID', 'is empty: the row is no call', totalAdvice);
  }
  if (value('started_at') === '' && isTotalWord(value('call_id'))) {
    throw new CellFault('Call ID', 'names no call', totalAdvice);
  }
  const line = emptyLine(lineNumber, 'vapi', 'call');
  line.externalId = value('call_id');
  line.assistantId = textOrNull(value('assistant_id'));
  line.createdAt = instantCell(value('created_at'), 'Created At', cells);
  line.startedAt = instantCell(value('started_at'), 'Started At', cells);
  line.endedAt = instantCell(value('ended_at'), 'Ended At', cells);
  const between =
    line.startedAt !== null && line.endedAt !== null ? secondsBetween(line.startedAt, line.endedAt) : null;
  if (between?.startsWith('-')) {
    throw new CellFault('Ended At', 'is before the start');
  }
  line.durationSeconds = durationCell(value('duration'), cells) ?? between;
  if (line.endedAt === null && line.startedAt !== null && line.durationSeconds !== null) {
    line.endedAt = addSeconds(line.startedAt, line.durationSeconds);
  }
  line.cost = decimalCell(withoutSign(value('cost')), 'Cost', cells);
  const hasEnded = line.durationSeconds !== null || line.endedAt !== null || line.startedAt === null;
  line.status = value('status').toLowerCase() || (hasEnded ? 'ended' : 'in-progress');
  line.raw = rawObject({ type: value('type'), endedReason: value('ended_reason') });
  requireCall(line, 'Call ID');
  return line;
}

/** `139`, `2m 19s`, `2:19` or `00:02:19`, in seconds. */
function durationCell(text: string, cells: CellFormat): string | null {
  const seconds = secondsCell(text, 'Duration', cells);
  if (seconds?.startsWith('-')) {
    throw new CellFault('Duration', `${quoted(text)} is negative`);
  }
  return seconds;
}
