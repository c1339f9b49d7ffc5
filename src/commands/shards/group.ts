import type { Group } from '../../declarations/command.ts';

export const shardsCommands: Group = {
  commands: {
    list: {
      summary: 'every shard: its users, whether it answers, what it has otherwise than the others',
      load: async () => (await import('./list.ts')).shardsList,
      onShards: 'itself',
    },
    where: {
      summary: 'the shard that has a user, or that a new one belongs to',
      load: async () => (await import('./where.ts')).shardsWhere,
      onShards: 'itself',
    },
    move: {
      summary: 'give a user to another shard, with everything',
      load: async () => (await import('./move.ts')).shardsMove,
      onShards: 'destination',
    },
    finance: {
      summary: 'a database for bills that reads the tables of all shards',
      load: async () => (await import('./finance.ts')).shardsFinance,
      onShards: 'itself',
    },
    router: {
      summary: 'a database for apps whose functions run in the shard of the user',
      load: async () => (await import('./router.ts')).shardsRouter,
      onShards: 'itself',
    },
  },
  examples: [
    ['quota shards list', 'do all answer, with the same plans?'],
    ['quota shards where user_00042', 'which database an app connects to for this user'],
  ],
};
