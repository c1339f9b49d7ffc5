import { assistantStore } from './assistants-store.ts';
import { readIdentifier, readIdentifiers, readYesNo } from './cell-readers.ts';
import type { ImportKind } from './import-kind.ts';

/** Files of assistants: `provider_assistant_id`, `user_external_id`, `name`, and of the gate `gated` and `numbers`. */
export const assistantFiles: ImportKind = {
  name: 'assistants',
  noun: 'assistant',
  columns: [
    { name: 'provider_assistant_id', required: true, type: 'text', read: readIdentifier },
    { name: 'user_external_id', required: true, type: 'text', read: readIdentifier },
    { name: 'name', type: 'text', read: readIdentifier },
    { name: 'gated', type: 'boolean', read: readYesNo },
    { name: 'numbers', type: 'text[]', read: readIdentifiers },
  ],
  key: ['provider_assistant_id'],
  store: assistantStore,
};
