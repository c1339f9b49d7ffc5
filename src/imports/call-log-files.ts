import { CellFault } from '../files/cells.ts';
import { epochMicros } from '../values/instant-math.ts';
import { createCallLogStore } from './call-logs-store.ts';
import {
  readBytes,
  readChoice,
  readDecimal,
  readIdentifier,
  readInstant,
  readMessage,
  readSeconds,
  readWhole,
} from './cell-readers.ts';
import type { ImportColumn, PlannedKind } from './import-kind.ts';
import { readJsonObject } from './json-cell.ts';

export interface CallLogDefaults {
  /** For lines that name no service. */
  service: string;
  /** For lines that name no provider. Default: vapi for voice; other services have to name theirs. */
  provider?: string | undefined;
}

/** As the constraints of call_logs. */
const durationSecondsMax = 604_800;
const costMax = 999_999_999;
const integerMax = 2_147_483_647;

/**
 * Files of call logs, of any service. A line belongs to the user it names, else to the owner of its assistant.
 * Lines without `provider_call_id` are told apart by their content, and equal ones by their occurrence.
 * @throws CellFault later, for a line that does not fit together
 */
export function callLogFiles({ service, provider }: CallLogDefaults): PlannedKind {
  return {
    name: 'call-logs',
    noun: 'call log',
    columns: [
      ...columns,
      { name: 'service', type: 'text', read: readIdentifier, fallback: () => service },
      {
        name: 'provider',
        type: 'text',
        read: readIdentifier,
        fallback: (value) => provider ?? providerOf(value('service')),
      },
    ],
    key: ['provider', 'provider_call_id'],
    checkLine(value) {
      if (value('user_external_id') === null && value('provider_assistant_id') === null) {
        throw new CellFault(
          'user_external_id',
          'is empty, and so is provider_assistant_id: whose call was it?',
        );
      }
      if (isEarlier(value('ended_at'), value('started_at'))) {
        throw new CellFault('ended_at', 'is before started_at');
      }
    },
    store: createCallLogStore(service),
  };
}

const columns: readonly ImportColumn[] = [
  { name: 'provider_call_id', type: 'text', read: readIdentifier },
  { name: 'provider_assistant_id', type: 'text', read: readIdentifier },
  { name: 'user_external_id', type: 'text', read: readIdentifier },
  { name: 'started_at', required: true, type: 'timestamptz', read: readInstant(2000) },
  { name: 'ended_at', type: 'timestamptz', read: readInstant(2000) },
  {
    name: 'duration_seconds',
    type: 'numeric(14,3)',
    read: readSeconds(durationSecondsMax, 'more than 7 days: seconds are wanted'),
  },
  { name: 'cost', type: 'numeric', read: readDecimal(costMax, 'too much for one call') },
  { name: 'status', type: 'text', read: readChoice('completed', 'active', 'error') },
  { name: 'model', type: 'text', read: readIdentifier },
  { name: 'messages', type: 'integer', read: readWhole(integerMax) },
  { name: 'words_spoken', type: 'integer', read: readWhole(integerMax) },
  { name: 'file_size_bytes', type: 'bigint', read: readBytes },
  { name: 'error_message', type: 'text', read: readMessage },
  { name: 'metadata', type: 'jsonb', nested: true, read: readJsonObject },
  { name: 'quantities', type: 'jsonb', nested: true, read: readJsonObject },
];

function providerOf(service: string | null): string {
  if (service !== 'voice') {
    throw new CellFault(
      'provider',
      `of a call of the service ${service} is missing`,
      'add the column provider, or give --provider',
    );
  }
  return 'vapi';
}

/** Whether an instant is before another; digits of the fraction may differ in number. */
const isEarlier = (instant: string | null, other: string | null): boolean =>
  instant !== null &&
  other !== null &&
  instant.slice(0, 19) <= other.slice(0, 19) &&
  epochMicros(instant) < epochMicros(other);
