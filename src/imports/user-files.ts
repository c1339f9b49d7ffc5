import { CellFault } from '../files/cells.ts';
import { readEmail, readIdentifier, readInstant } from './cell-readers.ts';
import type { ImportKind } from './import-kind.ts';
import { userStore } from './users-store.ts';

/**
 * Files of users: `external_id`, `id` (a uuid that the app has, kept as ours), `email`, `name`, `signup_at`, `timezone` and `plan`, one or several of different
 * services (`voice-free;chat-free`). Without `signup_at` a user signed up now, without `timezone` in UTC.
 */
export const userFiles: ImportKind = {
  name: 'users',
  noun: 'user',
  columns: [
    { name: 'external_id', required: true, type: 'text', read: readIdentifier },
    { name: 'id', type: 'uuid', read: readUuid },
    { name: 'email', type: 'text', read: readEmail },
    { name: 'name', type: 'text', read: readIdentifier },
    { name: 'signup_at', type: 'timestamptz', read: readInstant(1970) },
    { name: 'timezone', type: 'text', read: readIdentifier },
    { name: 'plan', type: 'text', nested: true, read: readPlans },
  ],
  key: ['external_id'],
  store: userStore,
};

/** Nobody has the uuid of zeros. */
function readUuid(text: string, title: string): string | null {
  const id = text.trim().toLowerCase();
  if (id !== '' && (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(id) || /^[0-]*$/.test(id))) {
    throw new CellFault(title, `"${id.slice(0, 40)}" is not a uuid`, 'leave the column out to have ids made');
  }
  return id === '' ? null : id;
}

/** `a, b`, `a;b` or `["a","b"]` as `a;b`, without repetitions. */
function readPlans(text: string, title: string): string | null {
  const words = text.trim().startsWith('[') ? parseList(text, title) : text.split(/[,;]/);
  const plans = new Set(words.map((word) => word.trim()).filter((word) => word !== ''));
  return readIdentifier([...plans].join(';'), title, {});
}

function parseList(text: string, title: string): string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((entry) => typeof entry === 'string')) {
      return list;
    }
  } catch {}
  throw new CellFault(title, 'is not a list of plans', 'write it like voice-free;chat-free');
}
