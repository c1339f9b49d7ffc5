import type { Group } from '../../declarations/command.ts';

export const usageCommands: Group = {
  commands: {
    check: {
      summary: 'whether a user may use a service now, as an app would be answered',
      load: async () => (await import('./check.ts')).usageCheck,
    },
    record: {
      summary: 'record usage that no app recorded, once per key',
      load: async () => (await import('./record.ts')).usageRecord,
      onShards: 'owner',
    },
    sessions: {
      summary: 'what runs, and what was settled at an estimate because nobody told its end',
      load: async () => (await import('./sessions.ts')).usageSessions,
      onShards: 'each',
    },
    settle: {
      summary: 'tell what a session lasted that nobody ended',
      load: async () => (await import('./settle.ts')).usageSettle,
    },
    analytics: {
      summary: 'usage per day, service, plan or user; use of plans; who will run out before the reset',
      load: async () => (await import('./analytics.ts')).usageAnalytics,
      onShards: 'each',
      readsReplica: true,
    },
    import: {
      summary: 'calls, sessions, jobs and messages from a file',
      load: async () => (await import('../import/call-logs.ts')).usageImport,
    },
  },
  examples: [
    ['quota usage check ada@example.com --service voice', 'may she call?'],
    ['quota usage analytics --by plan', 'who uses what'],
  ],
};
