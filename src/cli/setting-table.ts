/** One setting: where it comes from and what it is by default. The README's table is checked against this. */
export interface Setting {
  variable: string;
  flag?: string;
  defaultText: string;
  description: string;
  /** Never printed, not even in part; `NAME_FILE` names a file that holds it. */
  secret?: true;
}

/** Everything that can be configured. A flag wins over the environment, that over the env file, that over the default. */
export const settingTable = [
  {
    variable: 'DATABASE_URL',
    flag: '--database-url',
    defaultText: 'an embedded PostgreSQL in the data directory',
    description: 'PostgreSQL 15 to 18, as postgres://user:password@host:5432/database',
    secret: true,
  },
  {
    variable: 'QUOTA_REPLICA_URL',
    defaultText: 'none',
    description:
      'Streaming replica of that database, which lists and reports are read from ([scale](docs/scale.md))',
    secret: true,
  },
  {
    variable: 'QUOTA_DATA_DIR',
    defaultText: "`quota` under the user's data directory",
    description: 'Folder of the embedded PostgreSQL',
  },
  {
    variable: 'QUOTA_SHARDS',
    flag: '--shard',
    defaultText: 'one database',
    description: 'File of several databases that each have some of the users ([scale](docs/scale.md))',
  },
  {
    variable: 'QUOTA_ENV',
    defaultText: '`development`',
    description:
      '`development`, `test` or `production`; production, said by either the shell or the file, asks for a typed confirmation of changes',
  },
  {
    variable: 'QUOTA_ACTOR',
    defaultText: 'the name of the OS user',
    description: 'Who is named in audit rows',
  },
  {
    variable: 'QUOTA_COMPANY',
    defaultText: 'none',
    description: 'Name of the company, on the reports of `reconcile` and `usage analytics`',
  },
  {
    variable: 'QUOTA_CURRENCY',
    defaultText: '`USD`',
    description: 'Currency of prices and costs; each bill says its own',
  },
  {
    variable: 'VAPI_API_KEY',
    defaultText: 'none',
    description:
      'Private key of the VAPI organisation whose assistants are limited and whose calls are fetched',
    secret: true,
  },
  {
    variable: 'VAPI_BASE_URL',
    defaultText: '`https://api.vapi.ai`',
    description: 'Where VAPI is reached; a simulator serves as well',
  },
  {
    variable: 'QUOTA_LIMITED_STATE',
    flag: '--limited-state',
    defaultText: '10 second calls with a notice',
    description:
      'JSON or YAML file with the fields that a limited assistant is given, unless its plan has its own',
  },
  {
    variable: 'QUOTA_ALERT_URL',
    defaultText: 'none',
    description: 'Webhook that `jobs raise-alerts` POSTs alerts to',
    secret: true,
  },
  {
    variable: 'QUOTA_ALERT_SECRET',
    defaultText: 'none',
    description: 'Secret of the webhook, for the HMAC-SHA256 in `Quota-Signature`',
    secret: true,
  },
  {
    variable: 'QUOTA_ALERT_COMMAND',
    defaultText: 'none',
    description: 'Shell command that `jobs raise-alerts` gives each alert to, as JSON on stdin',
    secret: true,
  },
  {
    variable: 'QUOTA_SCHEDULES',
    defaultText: "the jobs' own: `quota help cron`",
    description:
      'When jobs are expected to run, in UTC, or that one is switched off: `reap-stale=0 * * * *;purge=off`',
  },
  {
    variable: 'QUOTA_PING_URL',
    flag: '--ping-url',
    defaultText: 'none',
    description:
      'Monitor that jobs tell of start, success and failure (protocol of healthchecks.io); `{job}` in it is the name of the job',
    secret: true,
  },
  {
    variable: 'QUOTA_SOURCE_URL',
    flag: '--source-url',
    defaultText: 'the database of quota',
    description:
      'Database with the tables of an adopted product, where it is another one; of several: `shop=postgres://… chat=postgres://…`',
    secret: true,
  },
  {
    variable: 'REDIS_URL',
    defaultText: 'none',
    description: 'Redis of the app, where one is used, as redis://host:6379',
    secret: true,
  },
  {
    variable: 'QUOTA_PAGER',
    flag: '--no-pager',
    defaultText: '`PAGER`, else `less -FRX`',
    description: 'Program for lists that are longer than the terminal; empty: none',
  },
  {
    variable: 'NO_COLOR',
    flag: '--no-color',
    defaultText: 'colours on a terminal',
    description: 'Any value switches colours off; `FORCE_COLOR=1` switches them on',
  },
] as const satisfies readonly Setting[];

export type SettingVariable = (typeof settingTable)[number]['variable'];
export type SecretVariable = Extract<(typeof settingTable)[number], { secret: true }>['variable'];

/** Whether `NAME_FILE` may name a file with the value. */
export const isSecret = (variable: SettingVariable): boolean =>
  settingTable.some((setting: Setting) => setting.variable === variable && setting.secret === true);
