import type pg from 'pg';

/** The instant that the data is made for. */
export const asOf = '2026-11-29T12:00:00Z';
export const month = '2026-10';

export interface OperatorCommand {
  /** Default: the arguments. */
  name?: string;
  args: readonly string[];
  /** Start and connection included. */
  aimMs: number;
  /** To the first rows of a stream. */
  firstMs?: number;
  exitCode?: number;
}

const aimMs = 1000;

/** A whole stream may take what its rows take; how soon it begins is what is aimed at. */
const stream = (...args: string[]): OperatorCommand => ({
  args,
  aimMs: Number.POSITIVE_INFINITY,
  firstMs: 300,
});

/** Somebody with many calls, and places in the middle of lists. */
interface Places {
  middle: string;
  busy: string;
  auditId: string;
}

const plainCommands = ({ middle, busy, auditId }: Places): string[][] => [
  ['user', 'list'],
  ['user', 'list', '--json'],
  ['user', 'list', '--after', `${middle}/`],
  ['user', 'list', '--search', 'somebody'],
  ['user', 'list', '--search', busy],
  ['user', 'list', '--service', 'chat', '--plan', 'chat-free'],
  ['user', 'list', '--limited'],
  ...['ok', 'warning', 'critical', 'exceeded'].map((state) => ['user', 'list', '--state', state]),
  ['user', 'list', '--sort', 'percent'],
  ['user', 'list', '--sort', 'percent', '--state', 'critical'],
  ['user', 'list', '--sort', 'percent', '--service', 'voice'],
  ['user', 'show', busy],
  ['user', 'explain', busy],
  ['user', 'history', busy],
  ['usage', 'check', busy, '--service', 'voice'],
  ['usage', 'sessions'],
  ['limits', 'status'],
  ['audit', 'log'],
  ['audit', 'log', '--after', auditId],
  ['audit', 'log', '--user', busy],
  ...['usage.reset', 'grants', 'user.erased', 'subscription.reset', 'fixtures.seed', 'nothing.such'].map(
    (action) => ['audit', 'log', '--action', action],
  ),
  ['audit', 'log', '--since', '2026-11-29T00:00:00Z'],
  ['audit', 'log', '--until', '2026-09-30T00:00:00Z'],
  ['audit', 'log', '--action', 'usage', '--since', '2026-11-01T00:00:00Z'],
  ['alerts', 'list'],
  ['alerts', 'list', '--active'],
  ['alerts', 'list', '--open'],
  ['alerts', 'list', '--delivery', 'pending'],
  ['alerts', 'list', '--delivery', 'failed'],
  ['grants', 'list'],
  ['grants', 'list', '--live'],
  ['grants', 'list', busy],
  ['plan', 'list'],
  ['plan', 'show', 'voice-free'],
  ['meter', 'list'],
  ['service', 'list'],
  ['login', 'list'],
  ['jobs', 'list'],
  ['jobs', 'history'],
  ['jobs', 'history', 'purge'],
  ['adopt', 'status'],
  ['db', 'status'],
  ['reconcile', 'list'],
  ['reconcile', 'show', '--month', month],
  ['reconcile', 'show', '--month', month, '--kind', 'matched'],
  ['reconcile', 'show', '--month', month, '--open'],
  ['reconcile', 'show', '--month', month, '--user', busy],
  ...[
    'raise-alerts',
    'purge',
    'reap-stale',
    'reset-anniversaries',
    'reset-months',
    'enforce-limits',
    'roll-up-analytics',
  ].map((job) => ['jobs', job, '--dry-run']),
];

/** Commands that name somebody, or a place in a list, take them from the database. */
export async function operatorCommands(client: pg.Client): Promise<OperatorCommand[]> {
  const one = async (sql: string): Promise<string> =>
    (await client.query({ text: sql, rowMode: 'array' })).rows[0]?.[0];
  const middle = await one(
    `select external_id from quota.users order by external_id offset (select count(*) / 2 from quota.users) limit 1`,
  );
  const busy = await one(`select u.external_id from quota.users u join quota.call_logs c on c.user_id = u.id
    group by u.id order by count(*) desc, u.id limit 1`);
  const auditId = await one(
    'select id from quota.audit_log order by id offset (select count(*) / 2 from quota.audit_log) limit 1',
  );
  return [
    ...plainCommands({ middle, busy, auditId }).map((args) => ({ args, aimMs })),
    { args: ['complete', '--', 'user', 'show', busy.slice(0, 5)], aimMs: 300, name: 'completion of a user' },
    ...['service', 'plan', 'user', 'day', 'model'].map((by) => ({
      args: ['usage', 'analytics', '--month', month, '--by', by],
      aimMs: 2000,
    })),
    { args: ['doctor'], aimMs, exitCode: 0 },
    { args: ['doctor', '--user', busy], aimMs },
    stream('user', 'list', '--output', 'csv'),
    stream('user', 'list', '--output', 'ndjson'),
    stream('user', 'list', '--output', 'csv', '--sort', 'percent'),
    stream('user', 'list', '--output', 'csv', '--state', 'exceeded'),
    stream('audit', 'log', '--output', 'csv'),
    stream('alerts', 'list', '--output', 'csv'),
    stream('grants', 'list', '--output', 'csv'),
    stream('reconcile', 'show', '--month', month, '--output', 'csv', '--kind', 'matched'),
  ];
}
