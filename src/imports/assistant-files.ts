import { assistantStore } from './assistants-store.ts';
import { readIdentifier } from './cell-readers.ts';
import type { ImportKind } from './import-kind.ts';

/** Files of assistants: `provider_assistant_id`, `user_external_id` and `name`. */
export const assistantFiles: ImportKind = {
  name: 'assistants',
  noun: 'assistant',
  columns: [
    { name: 'provider_assistant_id', required: true, type: 'text', read: readIdentifier },
    { name: 'user_external_id', required: true, type: 'text', read: readIdentifier },
    { name: 'name', type: 'text', read: readIdentifier },
  ],
  key: ['provider_assistant_id'],
  store: assistantStore,
};
