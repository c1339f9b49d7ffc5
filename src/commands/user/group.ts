import type { Group } from '../../declarations/command.ts';

export const userCommands: Group = {
  commands: {
    list: {
      summary: 'users with their subscriptions, each with the meter that is nearest to its limit',
      load: async () => (await import('./list.ts')).userList,
      onShards: 'each',
      readsReplica: true,
    },
    show: {
      summary: 'how much is left, of what, until when, why it is blocked, which assistants are limited',
      load: async () => (await import('./show.ts')).userShow,
      onShards: 'owner',
    },
    add: {
      summary: 'make a user, also with a signup in the past and on plans of their own; audited',
      load: async () => (await import('./add.ts')).userAdd,
      onShards: 'newcomer',
    },
    edit: {
      summary: 'change the time zone, the email, the name, the signup or the external id; audited',
      load: async () => (await import('./edit.ts')).userEdit,
      onShards: 'owner',
    },
    grant: {
      summary: "give extra allowance: used after the plan's, earliest expiry first; survives resets",
      load: async () => (await import('./grant.ts')).userGrant,
      onShards: 'owner',
    },
    explain: {
      summary: 'the story of a quota: calls, resets, grants, thresholds, limits, plans; why it is blocked',
      load: async () => (await import('./explain.ts')).userExplain,
      onShards: 'owner',
    },
    'set-plan': {
      summary: 'put a user on a plan: its limit holds at once, the period and what is used of it stay',
      load: async () => (await import('./set-plan.ts')).userSetPlan,
      onShards: 'owner',
    },
    reset: {
      summary: 'set the usage of the running period back to nothing and restore limited assistants; audited',
      load: async () => (await import('./reset.ts')).userReset,
      isDestructive: true,
      onShards: 'owner',
    },
    adjust: {
      summary: 'correct what counts as used, up or down; takes a mistaken reset back; audited',
      load: async () => (await import('./adjust.ts')).userAdjust,
      onShards: 'owner',
    },
    export: {
      summary: 'everything that is held about a user, as JSON',
      load: async () => (await import('./export.ts')).userExport,
      onShards: 'owner',
    },
    erase: {
      summary: 'take the person out for ever; usage, costs and history stay under an id that names nobody',
      load: async () => (await import('./erase.ts')).userErase,
      isDestructive: true,
      onShards: 'owner',
    },
    history: {
      summary: 'what was used in every period, the latest first: limit, corrections, resets, what came late',
      load: async () => (await import('./history.ts')).userHistory,
      onShards: 'owner',
    },
  },
  examples: [
    ['quota user show ada@example.com', 'what is left, until when'],
    ['quota user list --state exceeded', 'who has run out'],
    ['quota user reset ada --reason "outage" --dry-run', 'what a reset would change'],
  ],
};
