import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '../database.ts';
import { type PostgresServer, startPostgres } from '../db/servers/postgres-server.ts';
import type { Commands, Json } from '../desk/commands.ts';
import { looksAround, openSession } from '../hold.ts';
import { placeOf, shardNames, ThreeShards } from './three-shards.ts';

/** QUOTA_TEST_SHARD_KILLS=20: how often what corrects a kind is killed. */
const kills = Number(process.env.QUOTA_TEST_SHARD_KILLS ?? 1);
const asOf = '2026-11-15T12:00:00Z';
const month = ['--month', '2026-10', '--provider', 'vapi'];
const password = 'p?ss:w@rd/ \'"\\';

let server: PostgresServer;
let bill = '';
const shards = new ThreeShards(asOf);
const onWhole = () => shards.commands.with({ env: { QUOTA_SHARDS: '', DATABASE_URL: server.url('whole') } });
/** DATABASE_URL is the database of finance; users are in the shards. */
const inShards = () => shards.commands.with({ env: { DATABASE_URL: server.url('finance') } });
const sql = (database: string, text: string) => query(server.url(database), text);

/** Leaves in a copy of the whole those users alone that belong to a shard. */
async function keepUsersOf(name: string): Promise<void> {
  const users = await sql('whole', 'select id, external_id from quota.users');
  const gone = users.filter(({ external_id }) => placeOf(external_id) !== name).map(({ id }) => `'${id}'`);
  const tables = await sql(
    name,
    `select c.table_name as name from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'quota' and c.column_name = 'user_id' and t.table_type = 'BASE TABLE'`,
  );
  await sql(
    name,
    [
      'set session_replication_role = replica',
      `create temp table gone as select unnest(array[${gone.join(', ')}]::uuid[]) as id`,
      ...tables.map((table) => `delete from quota.${table.name} where user_id in (select id from gone)`),
      'delete from quota.users where id in (select id from gone)',
    ].join(';\n'),
  );
}

beforeAll(async () => {
  server = await startPostgres({ doors: ['host all reader 127.0.0.1/32 scram-sha-256'] });
  await server.run('create database whole');
  await onWhole().json('db', 'migrate');
  await onWhole().json(
    ...['fixtures', 'seed', '--users', '3000', '--calls', '12000', '--yes'],
    ...['--export', 'vapi-calls', '--export-month', '2026-10', '--export-dir', shards.folder.path('.')],
    ...[
      '--differences',
      'unlogged=9,unbilled=7,duration_mismatch=8,cost_mismatch=6,attribution_mismatch=12,duplicate_line=3',
    ],
  );
  const [file = ''] = readdirSync(shards.folder.path('.')).filter((name) => /vapi/.test(name));
  bill = shards.folder.path(file);
  for (const name of shardNames) {
    await server.run(`create database "${name}" template whole`);
    await keepUsersOf(name);
  }
  shards.write(shardNames.map((name) => server.url(name)));
  await shards.commands.json('db', 'migrate', '--all-shards');
  await server.run('create database finance');
  await inShards().json('db', 'migrate', '--database-url', server.url('finance'));
  await server.run(
    `create role reader login password '${password.replaceAll("'", "''")}' in role quota_finance`,
  );
  const [users] = await sql('whole', 'select count(*) from quota.users where erased_at is null');
  const made = await inShards().json(
    ...['shards', 'finance', '--init', '--login', 'reader', '--yes'],
    ...['--password-file', shards.folder.write('password', [password])],
  );
  expect(made).toMatchObject({
    dryRun: false,
    database: 'finance',
    shards: [...shardNames],
    users: Number(users?.count),
    differs: [],
  });
});
afterAll(async () => {
  await shards.close();
  await server?.stop();
});

/** Without what is of one database: ids, and instants of the real clock. */
const withoutIds = (value: Json): Json =>
  JSON.parse(
    JSON.stringify(value, (key, member) =>
      ['id', 'auditId', 'logId', 'exportId', 'attachedAt', 'loadedAt', 'createdAt'].includes(key)
        ? undefined
        : member,
    ),
  );
const byCall = (entries: Json[]) =>
  withoutIds(entries)
    .map((entry: Json) => JSON.stringify(entry))
    .sort();
const both = async (...words: [number | string, ...string[]]) => {
  const one = await onWhole().json(...(words as [number, ...string[]]));
  const several = await inShards().json(...(words as [number, ...string[]]));
  return { one, several };
};
const usage = async (user: string) => {
  const one = await onWhole().json('user', 'show', user);
  const several = await inShards().json('user', 'show', user);
  expect(withoutIds(several)).toEqual(withoutIds(one));
};

test('a month is matched as with one database, call by call', async () => {
  const { one, several } = await both(3, 'reconcile', 'run', ...month, '--export', bill);
  expect(Object.keys(one.kinds)).toEqual(
    expect.arrayContaining([
      'unlogged',
      'unbilled',
      'duration_mismatch',
      'cost_mismatch',
      'attribution_mismatch',
    ]),
  );
  expect(withoutIds(several)).toEqual(withoutIds(one));
  for (const kind of Object.keys(one.kinds)) {
    const entries = await both('reconcile', 'show', ...month, '--kind', kind);
    expect(entries.one.entries.length).toBeGreaterThan(0);
    expect(byCall(entries.several.entries)).toEqual(byCall(entries.one.entries));
  }
});

/**
 * Kills a command so often, each time a little later. It has no end before: what it has written in the shards cannot be noted
 * in finance as long as somebody holds that.
 */
async function killAtAnyMoment(commands: Commands, words: readonly string[]): Promise<void> {
  for (let kill = 1; kill <= kills; kill += 1) {
    const holder = await openSession(server.url('finance'), 'lock table quota.discrepancies in share mode');
    const run = commands.start(...words);
    let isOver = false;
    const ended = run.result.then((result) => {
      isOver = true;
      return result;
    });
    const isThere = () =>
      sql('finance', `select from pg_stat_activity where datname = 'finance' and application_name = 'quota'`);
    await expect.poll(async () => isOver || (await isThere()).length > 0, { interval: 2 }).toBe(true);
    await looksAround(server.url('finance'), (7 * kill) % 40, () => isOver);
    run.kill('SIGKILL');
    const { code, stderr } = await ended;
    expect(code, `kill ${kill} of ${words.join(' ')}: ${stderr}`).toBeNull();
    await holder.endWaiting();
    await holder.end();
  }
}

describe('what the bill corrects', () => {
  test('is written in the shards, and comes to the same', async () => {
    const users = new Set<string>();
    for (const kind of ['unlogged', 'duration_mismatch', 'attribution_mismatch']) {
      const { one } = await both('reconcile', 'show', ...month, '--kind', kind);
      for (const { user, owner } of one.entries) {
        users.add(user ?? owner);
        users.add(owner ?? user);
      }
      const words = ['reconcile', 'resolve', ...month, '--kind', kind, '--as', 'corrected'] as const;
      const why = ['--reason', 'the bill is right', '--yes'];
      if (kind === 'unlogged' || kills > 1) {
        await killAtAnyMoment(inShards(), [...words, ...why]);
      }
      const corrected = await both(...words, ...why);
      expect(corrected.one.logs.added + corrected.one.logs.changed).toBeGreaterThan(0);
      expect({ ...withoutIds(corrected.several), logs: null }).toEqual({
        ...withoutIds(corrected.one),
        logs: null,
      });
    }
    expect(new Set([...users].map((user) => placeOf(user))).size).toBe(3);
    for (const user of users) {
      await usage(user);
    }
  });

  test('broken off between a shard and finance, is done once', async () => {
    await sql(
      'finance',
      `create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'broken off'; end $$;
       create trigger broken before update on quota.discrepancies for each statement execute function public.refuse()`,
    );
    const words = [
      'reconcile',
      'resolve',
      ...month,
      '--kind',
      'cost_mismatch',
      '--as',
      'corrected',
      '--reason',
      'bill',
      '--yes',
    ];
    const calls = () =>
      Promise.all(
        shardNames.map((name) => sql(name, 'select count(*)::int, sum(cost)::text from quota.call_logs')),
      );
    expect((await inShards().run(...words)).code).not.toBe(0);
    const written = await calls();
    await sql('finance', 'drop trigger broken on quota.discrepancies');
    const again = await inShards().json(...words);
    expect(await calls()).toEqual(written);
    const one = await onWhole().json(...words);
    expect({ ...withoutIds(again), logs: null }).toEqual({ ...withoutIds(one), logs: null });
  });

  test('is refused where nobody says which the shards are', async () => {
    const alone = inShards().with({ env: { QUOTA_SHARDS: '', DATABASE_URL: server.url('finance') } });
    const refused = await alone.json(
      ...([
        78,
        'reconcile',
        'resolve',
        ...month,
        '--kind',
        'unbilled',
        '--as',
        'accepted',
        '--reason',
        'x',
        '--yes',
      ] as const),
    );
    expect(refused.error.message).toMatch(/no shards/);
  });
});

test('a month is closed, and stays', async () => {
  const { one, several } = await both('reconcile', 'close', ...month, '--reason', 'paid', '--force', '--yes');
  expect(withoutIds(several)).toEqual(withoutIds(one));
  await inShards().json(5, 'reconcile', 'run', ...month, '--export', bill, '--replace');
});

test('all 3,000 users are reset and shown as in one database', async () => {
  const later = '2026-12-20T00:00:00Z';
  const reset = ['jobs', 'reset-anniversaries', '--no-sync'];
  const { reset: wanted } = await onWhole()
    .at(later)
    .json(...reset);
  expect(wanted).toBeGreaterThan(1000);
  const answers: Json[] = await shards.commands.at(later).json(...reset, '--all-shards');
  expect(answers.reduce((sum, { data }) => sum + data.reset, 0)).toBe(wanted);
  const told = async (name: string) =>
    (
      await sql(
        name,
        `select concat_ws(' ', u.external_id, q.meter, q.period_start, q.period_end, q.used, q.adjusted, q.granted,
           q.limit_quantity, trim_scale(q.cost), q.calls, q.superseded, q.exhausted_at, q.closed_at is null) as told
         from quota.usage_quotas q join quota.users u on u.id = q.user_id
         union all
         select concat_ws(' ', u.external_id, l.action, l.service, l.reason, count(*))
         from quota.audit_log l join quota.users u on u.id = l.user_id where l.action = 'subscription.reset' group by u.external_id, l.action, l.service, l.reason`,
      )
    ).map((row) => row.told);
  const inParts = (await Promise.all(shardNames.map(told))).flat();
  expect(inParts.sort()).toEqual((await told('whole')).sort());
  const listed = async (commands: Commands, ...words: string[]) =>
    (await commands.at(later).run('user', 'list', '--output', 'csv', ...words)).stdout
      .trim()
      .split('\n')
      .slice(1);
  const ofAll = (await listed(shards.commands, '--all-shards')).map((line) =>
    line.replace(/^(?:eu|us)-\d,/, ''),
  );
  expect(ofAll.length).toBeGreaterThan(3000);
  expect(ofAll.sort()).toEqual((await listed(onWhole())).sort());
});

test('what is in two shards is found', async () => {
  expect(await inShards().json('shards', 'finance', '--check')).toEqual([]);
  for (const name of ['eu-1', 'us-1']) {
    await sql(
      name,
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds)
       select id, 'voice', 'vapi', 'twin', '2026-10-03', 5 from quota.users order by external_id limit 1`,
    );
  }
  const found = await inShards().json(3, 'shards', 'finance', '--check');
  expect(found).toEqual([{ kind: 'call', name: 'vapi twin', shards: ['eu-1', 'us-1'] }]);
  const [met] = await sql('eu-1', `select max(id) as id from quota.call_logs`);
  await sql(
    'us-1',
    `insert into quota.call_logs (id, user_id, service, provider, started_at, duration_seconds) overriding system value
     select ${met?.id}, id, 'voice', 'vapi', '2026-10-03', 5 from quota.users order by external_id limit 1`,
  );
  const again = await inShards().json(3, 'shards', 'finance', '--check');
  expect(again).toEqual([...found, { kind: 'id', name: `call_logs ${met?.id}`, shards: ['eu-1', 'us-1'] }]);
});

test('a database with users is refused, the SQL that is printed holds no password', async () => {
  const refused = await inShards().json(
    ...([
      5,
      'shards',
      'finance',
      '--init',
      '--login',
      'reader',
      '--yes',
      '--database-url',
      server.url('whole'),
    ] as const),
  );
  expect(refused.error.message).toMatch(/users of its own/);
  const { statements } = await inShards().json('shards', 'finance');
  expect(statements.join('\n')).toContain(
    'create foreign table quota_shards.call_logs_2 () inherits (quota.call_logs)',
  );
  expect(statements.join('\n')).not.toContain('password');
});
