import type { Group } from '../../declarations/command.ts';

export const auditCommands: Group = {
  commands: {
    log: {
      summary: 'the changes, the newest first',
      load: async () => (await import('./log.ts')).auditLog,
      onShards: 'each',
      readsReplica: true,
    },
    verify: {
      summary:
        'recompute the seals over the history; exit 3 where a sealed row was changed, added or removed',
      load: async () => (await import('./verify.ts')).auditVerify,
      onShards: 'each',
    },
  },
  examples: [
    ['quota audit log --user ada@example.com', 'what was changed for a user'],
    ['quota audit verify', 'is the history as it was sealed?'],
  ],
};
