import type { Group } from '../../declarations/command.ts';

export const grantsCommands: Group = {
  commands: {
    list: {
      summary: 'grants with what each gave and still has, the latest first',
      load: async () => (await import('./list.ts')).grantsList,
      onShards: 'each',
      readsReplica: true,
    },
    revoke: {
      summary: 'take back what is left of a grant; what it gave stays given',
      load: async () => (await import('./revoke.ts')).grantsRevoke,
      isDestructive: true,
    },
  },
  examples: [
    ['quota grants list ada@example.com', 'what was granted, by whom, what is left of it'],
    ['quota grants revoke 42 --reason "given twice" --dry-run', 'what taking it back would change'],
  ],
};
