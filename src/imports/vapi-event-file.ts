import { BadLines } from '../files/bad-lines.ts';
import { CellFault } from '../files/cells.ts';
import type { Input } from '../files/input.ts';
import { jsonRows } from '../files/json/json-rows.ts';
import type { RowBatch } from '../files/row-batch.ts';
import { endedInError } from '../providers/vapi/call.ts';
import { readEndOfCallReport, webhookShape } from '../providers/vapi/end-of-call-report.ts';
import type { BadLineSink, ImportFile } from './stage-lines.ts';

/** The columns of call logs that an end-of-call report fills, in the order of a row. */
const columnNames = [
  'provider_call_id',
  'provider_assistant_id',
  'user_external_id',
  'started_at',
  'ended_at',
  'duration_seconds',
  'cost',
  'status',
  'error_message',
] as const;

/**
 * A file of webhook bodies as VAPI posts them (`{"message": {"type": "end-of-call-report", …}}` per line, gzip or not)
 * as call logs. Other messages are passed over. A report that was delivered twice is one call by its call's id.
 * @throws badInputError later, while it is read
 */
export function openVapiEvents(input: Input): ImportFile {
  const bad: BadLineSink = { take: () => {} };
  const badLines = new BadLines({
    keep: 0,
    skip: true,
    onReject: (line, original) => bad.take(line, original),
  });
  const positions = Object.fromEntries(columnNames.map((name, index) => [name, index]));
  const unknown = new Proxy(positions, { get: (target, name) => target[String(name)] ?? -1 });
  const titles = new Proxy({} as Record<string, string>, { get: (_, name) => String(name) });
  return {
    input,
    bad,
    table: {
      kind: 'json',
      columns: unknown,
      titles,
      unknown: [],
      batches: () => callBatches(input, badLines),
    },
  };
}

async function* callBatches(input: Input, badLines: BadLines): AsyncGenerator<RowBatch, void, undefined> {
  for await (const batch of jsonRows(input, webhookShape, badLines)) {
    const kept: { row: string[]; index: number }[] = [];
    batch.rows.forEach(([message = ''], index) => {
      try {
        const row = callRow(message);
        if (row !== undefined) {
          kept.push({ row, index });
        }
      } catch (error) {
        if (!(error instanceof CellFault)) {
          throw error;
        }
        const { column, reason, suggestion } = error;
        const line = batch.lines[index] ?? 0;
        badLines.add({ file: input.name, line, column, reason, suggestion }, batch.originalText(index));
      }
    });
    yield {
      rows: kept.map(({ row }) => row),
      lines: kept.map(({ index }) => batch.lines[index] ?? 0),
      numbers: kept.map(({ index }) => batch.numbers[index] ?? 0),
      originalText: (position) => batch.originalText(kept[position]?.index ?? 0),
    };
  }
}

/** A row of the columns above; undefined for a message that is not an end-of-call report. @throws CellFault */
function callRow(message: string): string[] | undefined {
  if (message === '') {
    throw new CellFault('message', 'is missing');
  }
  const report = readEndOfCallReport(message);
  if (report === undefined) {
    return undefined;
  }
  const { call, user } = report;
  const isError = endedInError(call);
  return [
    call.id,
    call.assistantId ?? '',
    user ?? '',
    // A call that was never connected has no start: it lasted for nothing.
    call.startedAt ?? call.endedAt ?? call.createdAt ?? '',
    call.endedAt ?? '',
    call.seconds ?? (call.startedAt === null ? '0' : ''),
    call.cost ?? '',
    isError ? 'error' : 'completed',
    isError ? call.endedReason : '',
  ];
}
