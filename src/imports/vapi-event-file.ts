import { BadLines } from '../files/bad-lines.ts';
import { CellFault } from '../files/cells.ts';
import { jsonRows, recordsIn } from '../files/json/json-rows.ts';
import type { JsonShape } from '../files/json/json-shape.ts';
import type { Input } from '../files/open-input.ts';
import type { RowBatch } from '../files/row-batch.ts';
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

/** Values at message level come first, then those of the call: both forms are sent (and the latter is documented). */
const shared = ['startedAt', 'endedAt', 'cost'];
const messageShape = shapeOf(
  ['type', ...shared, 'durationSeconds', 'durationMs', 'endedReason', 'call', 'assistant'],
  ['call', 'assistant'],
);
const callShape = shapeOf(
  ['id', 'assistantId', ...shared, 'createdAt', 'endedReason', 'metadata', 'assistantOverrides'],
  ['metadata', 'assistantOverrides'],
);
const idShape = shapeOf(['id'], []);
const overridesShape = shapeOf(['metadata'], ['metadata']);
const userKeys = ['userId', 'user_id', 'userExternalId', 'user_external_id', 'externalUserId', 'externalId'];
const metadataShape = shapeOf(userKeys, []);

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
  for await (const batch of jsonRows(input, shapeOf(['message'], ['message']), badLines)) {
    const kept: { row: string[]; index: number }[] = [];
    batch.rows.forEach(([message = ''], index) => {
      try {
        const row = message === '' ? undefined : callRow(message);
        if (message === '') {
          throw new CellFault('message', 'is missing');
        }
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
function callRow(text: string): string[] | undefined {
  const message = valuesOf(text, messageShape, 'message');
  if (message('type') !== 'end-of-call-report') {
    return undefined;
  }
  const call = valuesOf(message('call'), callShape, 'call');
  const both = (name: string) => message(name) || call(name);
  if (call('id') === '') {
    throw new CellFault('call.id', 'is missing: without it a report cannot be told from its repetition');
  }
  const assistant = call('assistantId') || valuesOf(message('assistant'), idShape, 'assistant')('id');
  const reason = both('endedReason');
  const isError = /(?:^|[.-])error(?:[.-]|$)/.test(reason);
  return [
    call('id'),
    assistant,
    userOf(call),
    // A call that was never connected has no start: it lasted for nothing.
    both('startedAt') || both('endedAt') || call('createdAt'),
    both('endedAt'),
    durationOf(message, both('startedAt') !== ''),
    both('cost'),
    isError ? 'error' : 'completed',
    isError ? reason : '',
  ];
}

type Values = (name: string) => string;

/** Empty: the database takes the end less the start. */
function durationOf(message: Values, isConnected: boolean): string {
  const milliseconds = message('durationMs');
  if (message('durationSeconds') !== '') {
    return message('durationSeconds');
  }
  return milliseconds === '' ? (isConnected ? '' : '0') : String(Number(milliseconds) / 1000);
}

/** In practice the user rides in either place, under a name of the app's choice. */
function userOf(call: Values): string {
  const overrides = valuesOf(call('assistantOverrides'), overridesShape, 'assistantOverrides');
  for (const text of [call('metadata'), overrides('metadata')]) {
    const metadata = valuesOf(text, metadataShape, 'metadata');
    const key = userKeys.find((name) => metadata(name) !== '');
    if (key !== undefined) {
      return metadata(key);
    }
  }
  return '';
}

function valuesOf(text: string, shape: JsonShape, column: string): Values {
  const row = text === '' ? undefined : recordsIn(text, shape, column)[0];
  return (name) => row?.[shape.fields.indexOf(name)] ?? '';
}

function shapeOf(fields: string[], nested: string[]): JsonShape {
  return { fields, nested };
}
