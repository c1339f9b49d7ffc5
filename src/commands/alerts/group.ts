import type { Group } from '../../declarations/command.ts';

export const alertsCommands: Group = {
  commands: {
    list: {
      summary: 'thresholds that were crossed: what is so now, who was told, the latest first',
      load: async () => (await import('./list.ts')).alertsList,
      onShards: 'each',
      readsReplica: true,
    },
    ack: {
      summary: 'mark alerts as seen',
      load: async () => (await import('./ack.ts')).alertsAck,
    },
  },
  examples: [
    ['quota alerts list --active --open', 'what is so now, and seen by nobody'],
    ['quota alerts ack --user ada@example.com', 'all that is so of ada'],
  ],
};
