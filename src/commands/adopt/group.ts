import type { Group } from '../../declarations/command.ts';

export const adoptCommands: Group = {
  commands: {
    init: {
      summary: 'look at a database, and write the mapping of the product in it, to be edited',
      load: async () => (await import('./init.ts')).adoptInit,
    },
    preset: {
      summary: 'the mapping of one of the five products, as a file to change',
      load: async () => (await import('./preset.ts')).adoptPreset,
    },
    check: {
      summary:
        'hold a mapping against the database: what is missing, what has no meaning here; changes nothing',
      load: async () => (await import('./check.ts')).adoptCheck,
    },
    attach: {
      summary: "put triggers on the app's tables: from now on what it writes is counted",
      load: async () => (await import('./attach.ts')).adoptAttach,
    },
    backfill: {
      summary: 'count what was there before, while the app goes on; goes on where it was interrupted',
      load: async () => (await import('./backfill.ts')).adoptBackfill,
    },
    verify: {
      summary: "hold the app's rows and counters against ours, per user and period",
      load: async () => (await import('./verify.ts')).adoptVerify,
    },
    authority: {
      summary: 'who decides: the app, while quota only counts, or quota',
      load: async () => (await import('./authority.ts')).adoptAuthority,
    },
    status: {
      summary: 'products that are attached: how far, who decides, which rows wait and why',
      load: async () => (await import('./status.ts')).adoptStatus,
    },
    detach: {
      summary: "take the triggers off the app's tables; what was counted stays",
      load: async () => (await import('./detach.ts')).adoptDetach,
    },
  },
  examples: [
    ['quota adopt init product.yaml', 'a mapping drafted from what is in the database'],
    ['quota adopt check product.yaml', 'everything that does not fit yet'],
    ['quota adopt attach product.yaml --yes', 'count what the app writes from now on'],
    ['quota adopt backfill voice-matrix --yes', 'and what was there before'],
    ['quota adopt verify voice-matrix', 'exit 3 when any user differs'],
    ['quota adopt authority voice-matrix quota --yes', 'limits, alerts and resets are those of quota'],
  ],
};
