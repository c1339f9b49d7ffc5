import type { Group } from '../../declarations/command.ts';

export const importCommands: Group = {
  commands: {
    users: {
      summary: 'users with their plans',
      load: async () => (await import('./users.ts')).importUsers,
    },
    assistants: {
      summary: 'assistants of users',
      load: async () => (await import('./assistants.ts')).importAssistants,
    },
    'call-logs': {
      summary: 'calls, sessions, jobs and messages',
      load: async () => (await import('./call-logs.ts')).importCallLogs,
    },
  },
  examples: [
    ['quota import users users.csv --dry-run', 'how many would be added'],
    ['quota import call-logs calls.csv.gz', 'what was used'],
  ],
};
