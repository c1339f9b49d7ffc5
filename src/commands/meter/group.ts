import type { Group } from '../../declarations/command.ts';

export const meterCommands: Group = {
  commands: {
    list: {
      summary: 'all meters: what they count, of which models, in which plans',
      load: async () => (await import('./list.ts')).meterList,
      onShards: 'each',
    },
    show: {
      summary: 'one meter, as a file for "meter apply"',
      load: async () => (await import('./show.ts')).meterShow,
      onShards: 'each',
    },
    apply: {
      summary:
        'make the meters of a file what the file says, and count running periods anew; others stay as they are',
      load: async () => (await import('./apply.ts')).meterApply,
      onShards: 'each',
    },
  },
  examples: [
    ['quota meter list', 'every meter'],
    ['quota meter apply meters.yaml --dry-run', 'every difference, and whose periods count otherwise'],
  ],
};
