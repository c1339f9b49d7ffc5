import type { Group } from '../../declarations/command.ts';

export const loginCommands: Group = {
  commands: {
    allow: {
      summary: 'let a role of an app speak for the whole app: every user',
      load: async () => (await import('./allow.ts')).loginAllow,
      onShards: 'each',
    },
    bind: {
      summary: 'let a role speak for one user, or for the user that a claim names (PostgREST, Supabase)',
      load: async () => (await import('./bind.ts')).loginBind,
    },
    list: {
      summary: 'who may call and for whom, what an upgrade carried over, who is refused',
      load: async () => (await import('./list.ts')).loginList,
      onShards: 'each',
    },
    revoke: {
      summary: 'a role speaks for nobody any more: it is refused',
      load: async () => (await import('./revoke.ts')).loginRevoke,
      isDestructive: true,
      onShards: 'each',
    },
  },
  examples: [
    ['quota login allow app --reason "the back end" --yes', 'a login that asks for every user'],
    ['quota login bind authenticated --claim sub --reason "PostgREST"', 'each user for itself'],
  ],
};
