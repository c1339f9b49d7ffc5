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
import { eventStore } from './events-store.ts';
import type { PlannedKind } from './import-kind.ts';
import { readJsonObject } from './json-cell.ts';

const quantityMax = 99_999_999_999;
const costMax = 999_999_999;
const integerMax = 2_147_483_647;

/**
 * What an app could not tell while the database was away: each line has the arguments of `quota.record`, without
 * `p_`. The start is needed, for the event is told long after it happened.
 */
export const eventFiles: PlannedKind = {
  name: 'quota-events',
  noun: 'event',
  columns: [
    { name: 'user_external_id', aliases: ['user'], required: true, type: 'text', read: readIdentifier },
    { name: 'service', required: true, type: 'text', read: readIdentifier },
    { name: 'key', required: true, type: 'text', read: readIdentifier },
    {
      name: 'quantity',
      required: true,
      type: 'numeric',
      read: readSeconds(quantityMax, 'too much for one call'),
    },
    { name: 'started_at', required: true, type: 'timestamptz', read: readInstant(2000) },
    {
      name: 'provider',
      type: 'text',
      read: readIdentifier,
      fallback: (value) => value('service'),
    },
    { name: 'model', type: 'text', read: readIdentifier },
    { name: 'cost', type: 'numeric', read: readDecimal(costMax, 'too much for one call') },
    { name: 'status', type: 'text', read: readChoice('completed', 'error') },
    { name: 'assistant_id', type: 'text', read: readIdentifier },
    { name: 'file_bytes', type: 'bigint', read: readBytes },
    { name: 'words', type: 'integer', read: readWhole(integerMax) },
    { name: 'error', type: 'text', read: readMessage },
    { name: 'metadata', type: 'jsonb', nested: true, read: readJsonObject },
    { name: 'quantities', type: 'jsonb', nested: true, read: readJsonObject },
  ],
  key: ['provider', 'key'],
  store: eventStore,
};
