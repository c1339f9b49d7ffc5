import type { Group } from '../../declarations/command.ts';

export const dbCommands: Group = {
  commands: {
    start: {
      summary: 'start the embedded server and let it run until quota db stop',
      load: async () => (await import('./start.ts')).dbStart,
    },
    stop: {
      summary: 'stop the embedded server, or have the last process that uses it stop it',
      load: async () => (await import('./stop.ts')).dbStop,
    },
    url: {
      summary: 'print where the database listens, without a password',
      load: async () => (await import('./url.ts')).dbUrl,
    },
    psql: {
      summary: 'open psql on the database, with its password and its TLS; read only in production',
      load: async () => (await import('./psql.ts')).dbPsql,
    },
    backup: {
      summary: 'save every table into a folder, with checksums: by pg_dump, or by COPY where it is not there',
      load: async () => (await import('./backup.ts')).dbBackup,
    },
    restore: {
      summary: 'load a backup into a new database, or in place of what is there; held against its checksums',
      load: async () => (await import('./restore.ts')).dbRestore,
      isDestructive: true,
    },
    status: {
      summary: 'which database is used, and how its tables stand to this version',
      load: async () => (await import('./status.ts')).dbStatus,
      onShards: 'each',
    },
    migrate: {
      summary: 'create the tables and functions, or bring them to this version; all or nothing',
      load: async () => (await import('./migrate.ts')).dbMigrate,
      onShards: 'each',
    },
    rollback: {
      summary: 'take back the last batch of migrations, with the data in what they made',
      load: async () => (await import('./rollback.ts')).dbRollback,
      isDestructive: true,
    },
    partition: {
      summary: 'divide the calls by month, for tables of hundreds of millions; the way of recording stays',
      load: async () => (await import('./partition.ts')).dbPartition,
      onShards: 'each',
    },
    mark: {
      summary:
        'say that the database is one of production, so that every client asks for typed confirmations',
      load: async () => (await import('./mark.ts')).dbMark,
    },
    reset: {
      summary: 'drop all tables of quota with their data and make them anew',
      load: async () => (await import('./reset.ts')).dbReset,
      isDestructive: true,
    },
  },
  examples: [
    ['quota db status', 'which database, which version, what is to be done'],
    ['quota db migrate', 'create or update the tables'],
    ['quota db mark production', 'whatever QUOTA_ENV its clients have'],
  ],
};
