import type { Group } from '../../declarations/command.ts';

export const serviceCommands: Group = {
  commands: {
    list: {
      summary: 'every service: what you are told of, how long details of calls are kept',
      load: async () => (await import('./list.ts')).serviceList,
      onShards: 'each',
    },
    set: {
      summary: 'limits on the cost and the errors of a day, of which alerts tell; how long details are kept',
      load: async () => (await import('./set.ts')).serviceSet,
      onShards: 'each',
    },
  },
  examples: [
    ['quota service list', 'what is set'],
    ['quota service set all --max-daily-cost 50 --yes', 'an alert on the day that costs as much'],
  ],
};
