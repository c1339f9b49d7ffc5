import type { Desk } from '../desk/desk.ts';

let limit = 500;
/** Never the one that is there: to set that again is nothing to do, and so allowed to everybody. */
const nextLimit = () => (limit += 1);

/** What a command line needs and what it is; made anew for each role, by the owner of the database. */
export type Scenario = (owner: Desk) => Promise<readonly string[]> | readonly string[];

/** Commands that use no database, or the one of the machine: no role has to do with them. */
export const withoutRole: Readonly<Record<string, string>> = {
  demo: 'its own embedded server',
  'db start': 'the embedded server',
  'db stop': 'the embedded server',
  'db url': 'no database',
  'db psql': 'as its login',
  config: 'no database',
  'adopt preset': 'no database',
  'shards list': 'as the logins of the shards',
  'shards where': 'as the logins of the shards',
  'shards move': 'the owner of each shard, who may set session_replication_role',
  'shards router': 'a superuser of the router, beside the logins of the shards',
  'shards finance': 'the owner of that database, beside the logins of the shards',
  'fixtures serve-vapi': 'no database',
  completion: 'no database',
  complete: 'no database',
  help: 'no database',
  'jobs sync-cache': 'needs a Redis: the rights of its tables are below',
};

const month = () => {
  const day = new Date();
  day.setUTCDate(1);
  day.setUTCMonth(day.getUTCMonth() - 1);
  return day.toISOString().slice(0, 7);
};
const ofMonth = () => ['--month', month(), '--provider', 'vapi'];
const why = ['--reason', 'a test of roles', '--yes'];
const vapi = ['--rate', '1000'];

const billed = (owner: Desk, name: string, ids: readonly string[]) =>
  owner.write(name, [
    'id,assistantId,startedAt,endedAt,cost',
    ...ids.map(
      (id) => `${id},${owner.vapi.assistants()[0]?.id},${month()}-10T10:00:00Z,${month()}-10T10:01:00Z,0.1`,
    ),
  ]);

/** A month with differences, open; an unlogged call that can be back-filled. */
async function openMonth(owner: Desk): Promise<void> {
  await owner.run('reconcile', 'reopen', ...ofMonth(), ...why);
  const file = billed(owner, `bill-${crypto.randomUUID()}.csv`, [`billed-${crypto.randomUUID()}`, 'call-1']);
  await owner.run('reconcile', 'run', ...ofMonth(), '--export', file, '--replace');
}

async function closedMonth(owner: Desk): Promise<void> {
  await openMonth(owner);
  await owner.run('reconcile', 'close', ...ofMonth(), '--force', ...why);
}

/** Somebody whose period ended and was not reset. */
async function dueUser(owner: Desk): Promise<void> {
  const before = new Date(Date.now() - 45 * 86_400_000).toISOString();
  await owner.queryAt(
    before,
    `with added as (insert into quota.users (external_id, created_at) values ($1, quota.now()) returning id)
     insert into quota.subscriptions (user_id, service, plan) select id, 'voice', 'voice-free' from added`,
    [`due-${crypto.randomUUID()}`],
  );
}

const job =
  (
    name: string,
    prepare: (owner: Desk) => Promise<unknown> = async () => {},
    besides: readonly string[] = [],
  ) =>
  async (owner: Desk) => {
    await prepare(owner);
    return ['jobs', name, ...besides];
  };

/** Every other command, by its words, in an order in which each finds what it needs. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  'db status': () => ['db', 'status'],
  'user list': () => ['user', 'list'],
  'user show': () => ['user', 'show', 'ada'],
  'user explain': () => ['user', 'explain', 'ada', '--service', 'voice'],
  'user history': () => ['user', 'history', 'ada'],
  'user export': () => ['user', 'export', 'ada'],
  'grants list': () => ['grants', 'list'],
  'jobs list': () => ['jobs', 'list'],
  'jobs history': () => ['jobs', 'history'],
  'meter list': () => ['meter', 'list'],
  'meter show': () => ['meter', 'show', 'messages'],
  'plan list': () => ['plan', 'list'],
  'plan show': () => ['plan', 'show', 'voice-free'],
  'plan simulate': (owner) => [
    'plan',
    'simulate',
    planFile(owner),
    '--from',
    `${month()}-01`,
    '--to',
    `${month()}-15`,
  ],
  'usage check': () => ['usage', 'check', 'ada', '--service', 'voice'],
  'usage analytics': () => ['usage', 'analytics'],
  'limits status': () => ['limits', 'status', 'ada'],
  'reconcile list': async (owner) => {
    await openMonth(owner);
    return ['reconcile', 'list'];
  },
  'reconcile show': () => ['reconcile', 'show', ...ofMonth()],
  'reconcile report': (owner) => [
    'reconcile',
    'report',
    ...ofMonth(),
    '--report',
    owner.path(`${crypto.randomUUID()}.html`),
  ],
  version: () => ['version'],
  'audit log': () => ['audit', 'log'],
  'audit verify': () => ['audit', 'verify'],
  doctor: () => ['doctor'],

  'usage record': () => [
    'usage',
    'record',
    'ada',
    '--service',
    'voice',
    '--quantity',
    '60',
    '--key',
    crypto.randomUUID(),
    '--yes',
  ],
  'user add': () => ['user', 'add', `new-${crypto.randomUUID()}`, '--plan', 'chat-free', ...why],
  'user edit': () => ['user', 'edit', 'ada', '--name', `Ada ${crypto.randomUUID()}`, ...why],
  'user adjust': () => ['user', 'adjust', 'ada', 'voice_seconds', '+1s', ...why],
  'user grant': () => ['user', 'grant', 'ada', 'voice_seconds', '60s', ...why],
  'grants revoke': async (owner) => {
    const { grantId } = await owner.json('user', 'grant', 'ada', 'voice_seconds', '60s', ...why);
    return ['grants', 'revoke', grantId, ...why];
  },
  'user set-plan': () => [
    'user',
    'set-plan',
    'ada',
    'voice-free',
    '--limit',
    `voice_seconds=${nextLimit()}`,
    ...why,
  ],
  'user reset': async (owner) => {
    await owner.query(`select quota.record('ada', 'chat', $1, 1)`, [crypto.randomUUID()]);
    return ['user', 'reset', 'ada', '--service', 'chat', ...why];
  },
  'usage import': (owner) => ['usage', 'import', callsFile(owner), '--yes'],
  'import users': (owner) => [
    'import',
    'users',
    owner.write(`${crypto.randomUUID()}.csv`, ['external_id,plan', `u-${crypto.randomUUID()},voice-free`]),
  ],
  'import assistants': (owner) => [
    'import',
    'assistants',
    owner.write(`${crypto.randomUUID()}.csv`, [
      'provider_assistant_id,user_external_id',
      `a-${crypto.randomUUID()},ada`,
    ]),
  ],
  'import call-logs': (owner) => ['import', 'call-logs', callsFile(owner)],
  'limits apply': async (owner) => {
    await owner.run('limits', 'restore', 'bob', ...vapi, ...why);
    return ['limits', 'apply', 'bob', ...vapi, ...why];
  },
  'limits restore': async (owner) => {
    await owner.run('limits', 'apply', 'bob', ...vapi, ...why);
    return ['limits', 'restore', 'bob', ...vapi, ...why];
  },
  'limits sync': () => ['limits', 'sync', ...vapi],
  'jobs reset-anniversaries': job('reset-anniversaries', dueUser, vapi),
  'jobs reset-months': job('reset-months', undefined, vapi),
  'jobs enforce-limits': job('enforce-limits', undefined, vapi),
  'jobs sync-limits': job('sync-limits', undefined, vapi),
  'jobs raise-alerts': job('raise-alerts', crossThreshold),
  'jobs reap-stale': job('reap-stale', staleSession),
  'jobs roll-up-analytics': job('roll-up-analytics'),
  'jobs purge': job('purge', oldRun),
  'jobs reopen': async (owner) => {
    await dueUser(owner);
    await owner.run('jobs', 'reset-anniversaries', ...vapi);
    return ['jobs', 'reopen', '--after', new Date(Date.now() - 40 * 86_400_000).toISOString(), ...why];
  },
  'meter apply': (owner) => ['meter', 'apply', meterFile(owner), ...why],
  'plan apply': (owner) => ['plan', 'apply', planFile(owner), ...why],
  'plan move': async (owner) => {
    await owner.run('user', 'set-plan', 'ada', 'transcription-free', ...why);
    return ['plan', 'move', 'transcription-free', 'transcription-starter', ...why];
  },

  'reconcile run': async (owner) => {
    await openMonth(owner);
    const file = billed(owner, `${crypto.randomUUID()}.csv`, [`billed-${crypto.randomUUID()}`]);
    return ['reconcile', 'run', ...ofMonth(), '--export', file, '--replace'];
  },
  'reconcile resolve': async (owner) => {
    await openMonth(owner);
    return ['reconcile', 'resolve', ...ofMonth(), '--kind', 'unlogged', '--as', 'accepted', ...why];
  },
  'reconcile backfill': async (owner) => {
    await openMonth(owner);
    return ['reconcile', 'backfill', ...ofMonth(), ...why];
  },
  'reconcile alias': () => ['reconcile', 'alias', `m-${crypto.randomUUID()}`, 'gpt-4o', '--yes'],
  'reconcile close': async (owner) => {
    await openMonth(owner);
    return ['reconcile', 'close', ...ofMonth(), '--force', ...why];
  },
  'reconcile reopen': async (owner) => {
    await closedMonth(owner);
    return ['reconcile', 'reopen', ...ofMonth(), ...why];
  },

  'alerts list': () => ['alerts', 'list'],
  'alerts ack': async (owner) => {
    const warned = crypto.randomUUID(); // Somebody whom no other command resets.
    // There for a while: what began before midnight is of no period of somebody who came after it.
    await owner.query(
      `insert into quota.users (external_id, created_at) values ($1, now() - interval '40 days')`,
      [warned],
    );
    await owner.query(`select quota.record($1, 'voice', $1, 590)`, [warned]);
    return ['alerts', 'ack', '--user', warned, ...why];
  },
  'service list': () => ['service', 'list'],
  'service set': () => ['service', 'set', 'all', '--max-daily-cost', String(nextLimit()), ...why],
  'usage sessions': () => ['usage', 'sessions'],
  'usage settle': async (owner) => {
    const key = crypto.randomUUID();
    await owner.query(`select quota.start_session($1, 'voice', $1)`, [key]);
    return ['usage', 'settle', key, '--seconds', '5', ...why];
  },
  'db partition': () => ['db', 'partition', '--from', '2150-01', ...why],
  'db mark': () => ['db', 'mark', 'test', ...why],
  'login list': () => ['login', 'list'],
  'login allow': async (owner) => ['login', 'allow', await newLogin(owner), ...why],
  'login bind': async (owner) => ['login', 'bind', await newLogin(owner), '--user', 'ada', ...why],
  'login revoke': async (owner) => {
    const name = await newLogin(owner);
    await owner.run('login', 'allow', name, ...why);
    return ['login', 'revoke', name, ...why];
  },

  'adopt init': async (owner) => {
    const name = `calls_${crypto.randomUUID()}`;
    await owner.query(
      `create table "${name}" (id bigint primary key, user_id text, started_at timestamptz, ended_at timestamptz);
       grant select on "${name}" to public`,
    );
    return ['adopt', 'init'];
  },
  'adopt check': async (owner) => ['adopt', 'check', (await appTable(owner)).file],
  'adopt attach': async (owner) => ['adopt', 'attach', (await appTable(owner)).file, ...why],
  'adopt backfill': async (owner) => ['adopt', 'backfill', await attached(owner), ...why],
  'adopt verify': async (owner) => ['adopt', 'verify', await attached(owner)],
  'adopt authority': async (owner) => ['adopt', 'authority', await attached(owner), 'quota', ...why],
  'adopt status': () => ['adopt', 'status'],
  'adopt detach': async (owner) => ['adopt', 'detach', await attached(owner), ...why],
  'jobs adopt-follow': job('adopt-follow'),
  'jobs adopt-retry': job('adopt-retry'),

  'user erase': async (owner) => {
    const name = `erase-${crypto.randomUUID()}`;
    await owner.addUser({ externalId: name });
    return ['user', 'erase', name, ...why];
  },
  'fixtures seed': (owner) => ['fixtures', 'seed', '--users', '5', '--force', '--confirm', owner.name],
  'fixtures clear': async (owner) => {
    await owner.query(
      `insert into quota.users (id, external_id) values ('5eed0000-0000-0000-0000-000000000001', 'of-a-seed')
       on conflict do nothing`,
    );
    return ['fixtures', 'clear', ...why];
  },
  'db backup': (owner) => ['db', 'backup', owner.path(crypto.randomUUID()), '--method', 'copy'],
  'db restore': async (owner) => {
    const folder = owner.path(crypto.randomUUID());
    await owner.run('db', 'backup', folder, '--method', 'copy');
    await owner.query('update quota.adopt_products set detached_at = now()');
    return ['db', 'restore', folder, '--replace', ...why];
  },
  'db migrate': async (owner) => {
    await owner.query(`update quota.schema_core set sha256 = 'of another version'`);
    return ['db', 'migrate'];
  },
  'db rollback': async (owner) => {
    await owner.run('db', 'migrate');
    await owner.query('update quota.adopt_products set detached_at = now()');
    return ['db', 'rollback', ...why];
  },
  'db reset': () => ['db', 'reset', ...why],
};

/** A table of an app that every login may read and put triggers on, and its mapping. */
async function appTable(owner: Desk): Promise<{ product: string; file: string }> {
  const product = `p-${crypto.randomUUID()}`;
  await owner.query(
    `create table "${product}" (id bigint primary key, person text, began timestamptz);
     grant select, trigger on "${product}" to public`,
  );
  const file = owner.write(`${product}.yaml`, [
    `product: ${product}`,
    'calls:',
    `  table: ${product}`,
    '  make_users: true',
    '  columns: { service: { value: voice }, user: person, started_at: began }',
  ]);
  return { product, file };
}

async function attached(owner: Desk): Promise<string> {
  const { product, file } = await appTable(owner);
  await owner.run('adopt', 'attach', file, ...why);
  return product;
}

/** Another model each time: there is something to apply. */
const meterFile = (owner: Desk) =>
  owner.write(`${crypto.randomUUID()}.yaml`, [
    `meters: { premium_messages: { service: chat, unit: message, models: ['${crypto.randomUUID()}'] } }`,
  ]);

const planFile = (owner: Desk) =>
  owner.write(`${crypto.randomUUID()}.yaml`, [
    'plans:',
    '  roles-plan:',
    '    service: voice',
    `    name: Roles ${crypto.randomUUID()}`,
    '    limits:',
    '      voice_seconds: { limit: 60, resetEvery: 1 month, onExceeded: block }',
  ]);

const callsFile = (owner: Desk) =>
  owner.write(`${crypto.randomUUID()}.csv`, [
    'user_external_id,service,provider,provider_call_id,started_at,duration_seconds,messages,quantities',
    `ada,chat,x,${crypto.randomUUID()},${month()}-10T10:00:00Z,0,1,`,
    `ada,chat,x,${crypto.randomUUID()},${month()}-10T10:00:00Z,0,,"{""messages"":1}"`,
  ]);

async function oldRun(owner: Desk): Promise<void> {
  await owner.query(
    `insert into quota.job_runs (job, status, started_at, finished_at)
     values ('x', 'completed', now() - interval '9 years', now() - interval '9 years')`,
  );
}

async function crossThreshold(owner: Desk): Promise<void> {
  await owner.query(
    `update quota.alert_deliveries set status = 'pending', next_attempt_at = now(), settled_at = null`,
  );
}

async function staleSession(owner: Desk): Promise<void> {
  await owner.query(`select quota.start_session('ada', 'avatar', $1)`, [crypto.randomUUID()]);
  await owner.query(`update quota.concurrent_processing set expires_at = now() - interval '1 hour'`);
}

/** A login that is nobody's yet; it goes with the other roles of the test. */
async function newLogin(owner: Desk): Promise<string> {
  const name = `${owner.name}_${crypto.randomUUID().slice(0, 8)}`.slice(0, 60);
  await owner.query(`create role "${name}" login in role quota_app`);
  return name;
}
