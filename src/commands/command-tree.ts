import type { Group } from '../declarations/command.ts';

/**
 * The groups and the commands that belong to none, in the order of the help. That and their summaries are all that a
 * start loads: each group names its commands in `<group>/group.ts`, each command stands in `<group>/<verb>.ts`.
 */
export const commandTree: Group['commands'] = {
  demo: {
    summary: 'the whole story in a minute, on a database of its own and a simulated VAPI',
    load: async () => (await import('./demo/demo.ts')).demo,
  },
  db: {
    summary: 'the database: the embedded server, and the tables',
    loadGroup: async () => (await import('./db/group.ts')).dbCommands,
  },
  user: {
    summary: 'users: what is left, until when, why blocked; resets (USER: id, external id or email)',
    loadGroup: async () => (await import('./user/group.ts')).userCommands,
  },
  grants: {
    summary: 'extra allowances: what was given, what is left; take one back',
    loadGroup: async () => (await import('./grants/group.ts')).grantsCommands,
  },
  alerts: {
    summary: 'thresholds that were crossed: what is so now, who was told; mark as seen',
    loadGroup: async () => (await import('./alerts/group.ts')).alertsCommands,
  },
  jobs: {
    summary: 'cron jobs: exact when run twice or at once, catching up what was missed',
    loadGroup: async () => (await import('./jobs/group.ts')).jobsCommands,
  },
  plan: {
    summary: 'plans as data: look, change by file, try on the past',
    loadGroup: async () => (await import('./plan/group.ts')).planCommands,
  },
  meter: {
    summary: 'meters as data: what is counted, of which models, rounded how',
    loadGroup: async () => (await import('./meter/group.ts')).meterCommands,
  },
  service: {
    summary: 'services as a whole: limits on the cost and the errors of a day, how long details are kept',
    loadGroup: async () => (await import('./service/group.ts')).serviceCommands,
  },
  usage: {
    summary: 'usage: may a user go on, what was used (USER: id, external id or email)',
    loadGroup: async () => (await import('./usage/group.ts')).usageCommands,
  },
  limits: {
    summary: 'limits on VAPI assistants: look, apply, restore, sync',
    loadGroup: async () => (await import('./limits/group.ts')).limitsCommands,
  },
  import: {
    summary: 'load users, assistants and call logs from files; the same file again adds nothing',
    loadGroup: async () => (await import('./import/group.ts')).importCommands,
  },
  adopt: {
    summary: 'bring an existing product under quota: its tables are counted, its code stays as it is',
    loadGroup: async () => (await import('./adopt/group.ts')).adoptCommands,
  },
  reconcile: {
    summary: "hold a provider's bill of a month against the call logs; every line and log in one kind",
    loadGroup: async () => (await import('./reconcile/group.ts')).reconcileCommands,
  },
  shards: {
    summary: 'several databases that each have some of the users: which there are, who is where',
    loadGroup: async () => (await import('./shards/group.ts')).shardsCommands,
  },
  login: {
    summary: 'which roles of the database speak for the app, for one user, or for the user of a claim',
    loadGroup: async () => (await import('./login/group.ts')).loginCommands,
  },
  audit: {
    summary: 'the history: who changed what, when and why; is it intact',
    loadGroup: async () => (await import('./audit/group.ts')).auditCommands,
  },
  doctor: {
    summary:
      'recompute quotas from their facts and reconciled months from their lines, and look for what is stuck; changes no fact',
    load: async () => (await import('./doctor/doctor.ts')).doctor,
    onShards: 'each',
  },
  config: {
    summary: 'what is set, and from where: flag, environment, env file or default; secrets masked',
    load: async () => (await import('./config/config.ts')).config,
  },
  version: {
    summary: 'versions of the tool, of the server, and of the tables and functions that it has',
    load: async () => (await import('./version/version.ts')).version,
    onShards: 'each',
  },
  fixtures: {
    summary: 'made-up data for development, CI and demos',
    loadGroup: async () => (await import('./fixtures/group.ts')).fixturesCommands,
  },
};
