import type { Group } from '../../declarations/command.ts';

export const limitsCommands: Group = {
  commands: {
    status: {
      summary: 'what each assistant should be, what is recorded, and why it failed',
      load: async () => (await import('./status.ts')).limitsStatus,
      onShards: 'each',
    },
    apply: {
      summary: 'limit the assistants of a user, or of everybody who is over the allowance',
      load: async () => (await import('./apply.ts')).limitsApply,
      onShards: 'inTurn',
    },
    restore: {
      summary: 'give assistants back what they had before they were limited',
      load: async () => (await import('./restore.ts')).limitsRestore,
      onShards: 'inTurn',
    },
    sync: {
      summary: 'bring every assistant to its desired state: drain the queue, put lost limits on again',
      load: async () => (await import('./sync.ts')).limitsSync,
      onShards: 'inTurn',
    },
  },
  examples: [
    ['quota limits status', 'everything that is, was or should be limited'],
    ['quota limits sync', 'do what is queued'],
  ],
};
