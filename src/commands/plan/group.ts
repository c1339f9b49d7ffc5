import type { Group } from '../../declarations/command.ts';

export const planCommands: Group = {
  commands: {
    list: {
      summary: 'all plans with their limits and how many users have them',
      load: async () => (await import('./list.ts')).planList,
      onShards: 'each',
    },
    show: {
      summary: 'one plan, as a file for "plan apply"',
      load: async () => (await import('./show.ts')).planShow,
      onShards: 'each',
    },
    apply: {
      summary: 'make the plans of a file what the file says; plans that it does not name stay as they are',
      load: async () => (await import('./apply.ts')).planApply,
      onShards: 'each',
    },
    simulate: {
      summary:
        'replay the past under the limits of a file: who would have been blocked, when; what it had saved',
      load: async () => (await import('./simulate.ts')).planSimulate,
      onShards: 'each',
    },
    move: {
      summary: 'put all users of a plan on another one; custom limits of the former wait for a way back',
      load: async () => (await import('./move.ts')).planMove,
      onShards: 'each',
    },
  },
  examples: [
    ['quota plan list', 'every plan'],
    ['quota plan apply plans.yaml --dry-run', 'every difference, nothing changed'],
  ],
};
