import { CellFault, secondsCell } from '../../files/cells.ts';
import { recordsIn } from '../../files/json/json-rows.ts';
import type { JsonShape } from '../../files/json/json-shape.ts';
import { shiftDecimal } from '../../values/decimal-math.ts';
import { type Call, callFields, readCall } from './call.ts';

/** What VAPI tells the app's webhook when a call has ended. */
export interface EndOfCallReport {
  /** `seconds` are those of the report where it states them. */
  call: Call;
  /** Whose call it was, by the app's own name for the user; null where the app sent none along. */
  user: string | null;
}

/** The body of a webhook: `{"message": {"type": …}}`. */
export const webhookShape = shapeOf(['message'], ['message']);

const parts = ['costBreakdown', 'costs'];
const messageShape = shapeOf(
  [
    'type',
    'startedAt',
    'endedAt',
    'cost',
    ...parts,
    'durationSeconds',
    'durationMs',
    'endedReason',
    'call',
    'assistant',
  ],
  [...parts, 'call', 'assistant'],
);
const callShape = shapeOf(
  [...callFields, 'metadata', 'assistantOverrides'],
  [...parts, 'metadata', 'assistantOverrides'],
);
const idShape = shapeOf(['id'], []);
const overridesShape = shapeOf(['metadata'], ['metadata']);
const userKeys = ['userId', 'user_id', 'userExternalId', 'user_external_id', 'externalUserId', 'externalId'];
const metadataShape = shapeOf(userKeys, []);

/**
 * Reads the message of a webhook's body; undefined if it is of another type. Values at message level come first, then
 * those of the call: both forms are sent, and the latter is documented.
 * @throws CellFault
 */
export function readEndOfCallReport(text: string): EndOfCallReport | undefined {
  const message = valuesOf(text, messageShape, 'message');
  if (message('type') !== 'end-of-call-report') {
    return undefined;
  }
  const inCall = valuesOf(message('call'), callShape, 'call');
  if (inCall('id') === '') {
    throw new CellFault('call.id', 'is missing: without it a report cannot be told from its repetition');
  }
  const assistant = valuesOf(message('assistant'), idShape, 'assistant');
  const call = readCall(
    callFields.map((field) => {
      switch (field) {
        case 'assistantId':
          return inCall(field) || assistant('id');
        case 'type': // Of the message it is another.
        case 'status':
          return inCall(field);
        default:
          return message(field) || inCall(field);
      }
    }),
  );
  return { call: { ...call, seconds: statedSeconds(message) ?? call.seconds }, user: userOf(inCall) };
}

type Values = (name: string) => string;

function statedSeconds(message: Values): string | null {
  const seconds = secondsCell(message('durationSeconds'), 'durationSeconds', {});
  const milliseconds = secondsCell(message('durationMs'), 'durationMs', {});
  return seconds ?? (milliseconds === null ? null : shiftDecimal(milliseconds, -3));
}

/** In practice the user rides in either place, under a name of the app's choice. */
function userOf(call: Values): string | null {
  const overrides = valuesOf(call('assistantOverrides'), overridesShape, 'assistantOverrides');
  for (const text of [call('metadata'), overrides('metadata')]) {
    const metadata = valuesOf(text, metadataShape, 'metadata');
    const key = userKeys.find((name) => metadata(name) !== '');
    if (key !== undefined) {
      return metadata(key);
    }
  }
  return null;
}

function valuesOf(text: string, shape: JsonShape, column: string): Values {
  const row = text === '' ? undefined : recordsIn(text, shape, column)[0];
  return (name) => row?.[shape.fields.indexOf(name)] ?? '';
}

function shapeOf(fields: string[], nested: string[]): JsonShape {
  return { fields, nested };
}
