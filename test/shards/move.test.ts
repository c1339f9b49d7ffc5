import { beforeAll, describe, expect, test } from 'vitest';
import { movedTables, stayingTables } from '../../src/shards/move/moved-tables.ts';
import { query } from '../database.ts';
import type { Json } from '../desk/commands.ts';
import { openSession } from '../hold.ts';
import { useThreeShards } from './three-shards.ts';

const asOf = '2026-11-15T12:00:00Z';
const shards = useThreeShards(asOf);
const { commands } = shards;
const why = ['--reason', 'eu-1 is full', '--yes'];
const move = (user: string, to: string, ...words: string[]) =>
  ['shards', 'move', user, '--to', to, ...why, ...words] as const;

/** Without what the history tells, which stays where it was written: `assistant.limited`. */
const factsOf = (explained: Json): Json =>
  JSON.parse(
    JSON.stringify(explained, (_key, value) =>
      Array.isArray(value) ? value.filter((entry) => !/\w\.\w/.test(entry?.kind ?? '')) : value,
    ),
  );

/** Everything that commands tell of a user. */
async function toldOf(user: string): Promise<Json> {
  return {
    shown: await commands.json('user', 'show', user),
    history: await commands.json('user', 'history', user),
    explained: factsOf(await commands.json('user', 'explain', user)),
    alerts: await commands.json('alerts', 'list', user),
    limits: await commands.json('limits', 'status', user),
  };
}

/** What is counted over all shards, by service. */
async function counted(): Promise<Json> {
  const rows: Json[] = [];
  for (const name of ['eu-1', 'eu-2', 'us-1'] as const) {
    rows.push(
      ...(await shards.on(
        name,
        `select (select count(*) from quota.call_logs)::int as calls,
           (select sum(used) from quota.usage_quotas)::text as used,
           (select sum(cost) from quota.usage_analytics)::text as rolled,
           (select count(*) from quota.users)::int as users`,
      )),
    );
  }
  const sum = (key: string) => rows.reduce((all, row) => all + Math.round(Number(row[key]) * 1e6), 0);
  return { calls: sum('calls'), used: sum('used'), rolled: sum('rolled'), users: sum('users') };
}

const healthy = async () => {
  const answers = await commands.answer('doctor', '--all-shards', '--full');
  return answers.data.map(({ data }: Json) =>
    data.checks.filter(({ level, count }: Json) => level === 'difference' && count > 0),
  );
};

/** Days whose totals, where there are any, are not what their rows come to. */
const wrongTotals = (name: 'eu-1' | 'eu-2' | 'us-1') =>
  shards.on(
    name,
    `select day, service, plan, calls, cost from quota.analytics_totals except
     select day, service, plan, sum(calls), sum(cost) from quota.usage_analytics
     group by day, service, plan`,
  );

/** Of the table of keys of us-1: keys of calls that it lacks, keys of no call, and how many it has. */
const keysWithoutCall = () =>
  shards.on(
    'us-1',
    `with keys as (
       select provider, provider_call_id as key, id from quota.call_logs where provider_call_id is not null
       union all select null, import_key, id from quota.call_logs where import_key is not null)
     select (select count(*)::int from (select * from keys except select * from quota.call_keys) m) as missing,
       (select count(*)::int from (select * from quota.call_keys except select * from keys) s) as stray,
       (select count(*)::int from quota.call_keys) as kept`,
  );

/** Whoever has rows in most tables. */
let user = '';
beforeAll(async () => {
  await commands.json('db', 'migrate', '--all-shards');
  // One of them has its calls by month, with a table of their keys.
  await commands.json('db', 'partition', '--shard', 'us-1', '--yes');
  await commands.json(
    ...(['fixtures', 'seed', '--users', '24', '--calls', '400', '--shard', 'eu-1', '--yes'] as const),
  );
  await commands.json('jobs', 'roll-up-analytics', '--shard', 'eu-1');
  const [found] = await shards.on<{ external_id: string }>(
    'eu-1',
    `select u.external_id from quota.users u join quota.assistant_limits l on l.user_id = u.id
     join quota.usage_alerts a on a.user_id = u.id
     where u.erased_at is null and not exists (select from quota.concurrent_processing c where c.user_id = u.id)
     group by 1 order by count(*) desc limit 1`,
  );
  user = found?.external_id ?? '';
});

test('every table with rows of users goes with them, or is named as staying', async () => {
  const rows = await shards.on<{ name: string }>(
    'eu-1',
    `with moved as (select unnest(array['${movedTables.join("','")}']) as name)
     select distinct c.relname as name
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'quota'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and (a.attname in ('user_id', 'owner_id', 'external_id', 'call_log_id', 'log_id', 'log_ids', 'assistant_id',
           'provider_assistant_id')
         or exists (select from pg_constraint k join moved m on k.confrelid = ('quota.' || m.name)::regclass
           where k.conrelid = c.oid and k.contype = 'f')
         or c.relname = 'users')
     order by 1`,
  );
  const bills = ['billing_lines', 'fetched_calls'];
  // Written by their own names, not copied as rows.
  const keys = process.env.QUOTA_TEST_PARTITIONED === '1' ? ['call_keys'] : [];
  expect([...movedTables, ...Object.keys(stayingTables), ...bills, ...keys].sort()).toEqual(
    rows.map(({ name }) => name),
  );
});

describe('a user is moved', () => {
  let before: Json;
  let all: Json;

  test('a dry run says what would go, and changes nothing', async () => {
    before = await toldOf(user);
    all = await counted();
    const plan = await commands.json('shards', 'move', user, '--to', 'us-1', '--dry-run');
    expect(plan).toMatchObject({ user, from: 'eu-1', to: 'us-1', dryRun: true, moved: true, auditId: null });
    expect(plan.rows.call_logs).toBeGreaterThan(3);
    expect(await toldOf(user)).toEqual(before);
  });

  test('with everything, and found there; nothing is counted anew', async () => {
    const { rows, auditId } = await commands.json(...move(user, 'us-1'));
    expect(rows).toMatchObject({ users: 1, call_logs: expect.any(Number), assistants: expect.any(Number) });
    expect(auditId).toMatch(/^\d+$/);
    expect(await commands.json('shards', 'where', user)).toMatchObject({ shard: 'us-1', isThere: true });
    expect(await toldOf(user)).toEqual(before);
    expect(await counted()).toEqual(all);
    expect(await healthy()).toEqual([[], [], []]);
    expect([...(await wrongTotals('eu-1')), ...(await wrongTotals('us-1'))]).toEqual([]);
    for (const [name, entry] of [
      ['eu-1', { subject: 'us-1', after: { shard: 'us-1' } }],
      ['us-1', { subject: 'eu-1', before: { shard: 'eu-1' } }],
    ] as const) {
      const { entries } = await commands.json('audit', 'log', '--action', 'user.moved', '--shard', name);
      expect(entries).toMatchObject([{ ...entry, reason: 'eu-1 is full' }]);
      expect((await commands.json('audit', 'verify', '--shard', name)).broken ?? []).toEqual([]);
    }
  });

  test('where they were, nobody of that name is answered for, made or written for', async () => {
    const { user: shown } = before.shown;
    const refused = expect.objectContaining({
      code: 'QT009',
      message: expect.stringContaining('in another shard'),
    });
    for (const sql of [
      `select quota.check('${user}', 'voice')`,
      `select quota.record('${user}', 'voice', 'late', 5)`,
      `select quota.record('${shown.id}', 'voice', 'late', 5)`,
      `select quota.start_session('${user}', 'voice', 'late')`,
      `select quota.end_session('${user}', 'late', 5)`,
      `select quota.ensure_user('${user}')`,
      `select * from quota.usage_history('${user}')`,
      `insert into quota.users (external_id) values ('${user}')`,
      `insert into quota.users (id, external_id) values ('${shown.id}', 'other')`,
      `insert into quota.call_logs (user_id, service, started_at, duration_seconds)
       values ('${shown.id}', 'voice', '2026-11-15', 5)`,
    ]) {
      await expect(shards.on('eu-1', sql), sql).rejects.toEqual(refused);
    }
    const rows = await shards.on(
      'eu-1',
      `select count(*)::int from quota.call_logs where user_id = '${shown.id}'`,
    );
    expect(rows).toEqual([{ count: 0 }]);
  });

  test('the new shard goes on counting', async () => {
    const { user: shown } = before.shown;
    const [there] = await keysWithoutCall();
    expect(there).toEqual({ missing: 0, stray: 0, kept: expect.any(Number) });
    const kept = Number(there?.kept);
    expect(kept).toBeGreaterThan(3);
    await commands.json(
      'usage',
      'record',
      user,
      '--service',
      'voice',
      '--quantity',
      '5',
      '--key',
      'k',
      '--yes',
    );
    const rows = await shards.on('us-1', `select id from quota.call_logs where provider_call_id = 'k'`);
    expect(rows.map(({ id }) => Number(id) % 64)).toEqual([3]);
    expect(await keysWithoutCall()).toEqual([{ missing: 0, stray: 0, kept: kept + 1 }]);
    expect((await commands.json('user', 'show', shown.id)).user).toEqual(shown);
  });

  test('and back, and to where they are already', async () => {
    const there = await toldOf(user);
    await commands.json(...move(user, 'eu-1'));
    expect(await toldOf(user)).toEqual(there);
    expect(await keysWithoutCall()).toEqual([{ missing: 0, stray: 0, kept: 0 }]);
    expect(await commands.json(...move(user, 'eu-1'))).toMatchObject({
      moved: false,
      rows: {},
      auditId: null,
    });
    expect(await healthy()).toEqual([[], [], []]);
  });
});

describe('a user stays', () => {
  const id = async () => (await commands.json('user', 'show', user)).user.id as string;
  const refused = async (code: number, ...words: string[]) =>
    (await commands.json(code, ...move(user, 'us-1', ...words))).error.message;
  const atEu = (sql: string) => shards.on('eu-1', sql);

  test('who has running sessions, unless these go as well', async () => {
    await atEu(`select quota.start_session('${user}', 'chat', 'talk')`);
    await atEu(`update quota.concurrent_processing set expires_at = '2026-11-15T13:00:00Z'`);
    expect(await refused(75)).toMatch(/has running sessions: 1/);
    const plan = await commands.json('shards', 'move', user, '--to', 'us-1', '--with-sessions', '--dry-run');
    expect(plan.rows.concurrent_processing).toBe(1);
    await atEu(`select quota.end_session('${user}', 'talk', 1)`);
  });

  test.each([
    [
      'an assistant that is being changed',
      75,
      /are being changed at the provider/,
      [
        `update quota.assistant_limits set claimed_until = clock_timestamp() + interval '1 hour' where user_id = $1`,
        'update quota.assistant_limits set claimed_until = null where user_id = $1',
      ],
    ],
    [
      'a login of their own',
      5,
      /roles of this server speak for the user: ada/,
      [
        `insert into quota.logins (role_name, speaks_for, user_id) values ('ada', 'user', $1)`,
        `delete from quota.logins where role_name = 'ada' and $1::uuid is not null`,
      ],
    ],
    [
      'calls of an adopted product',
      5,
      /follow the tables of an adopted product/,
      [
        `insert into quota.adopt_links select 1, 'row', min(id) from quota.call_logs where user_id = $1`,
        `delete from quota.adopt_links where $1::uuid is not null`,
      ],
    ],
    [
      'other plans there',
      5,
      /eu-1 and us-1 are not the same/,
      [
        `update quota.plans set max_concurrent = 7 where key = 'voice-free' and $1::uuid is not null`,
        `update quota.plans set max_concurrent = null where key = 'voice-free' and $1::uuid is not null`,
      ],
    ],
  ])('%s', async (_what, code, message, [make = '', unmake = '']) => {
    const userId = await id();
    await query(shards.urlOf('eu-1'), make, [userId]);
    try {
      expect(await refused(code as number)).toMatch(message as RegExp);
    } finally {
      await query(shards.urlOf('eu-1'), unmake, [userId]);
    }
  });

  test('something that the other shard has already is in the way, and nothing is left there', async () => {
    const [first] = await atEu(`select provider_assistant_id as id from quota.assistants a
      where user_id = '${await id()}' limit 1`);
    await shards.on('us-1', `insert into quota.users (external_id) values ('twin')`);
    await shards.on(
      'us-1',
      `insert into quota.assistants (user_id, provider_assistant_id)
      select id, '${first?.id}' from quota.users where external_id = 'twin'`,
    );
    expect(await refused(5)).toMatch(/something of the user is in us-1 already/);
    expect(await shards.on('us-1', 'select from quota.arriving_users')).toEqual([]);
    expect(await commands.json('shards', 'where', user)).toMatchObject({ shard: 'eu-1' });
    await shards.on(
      'us-1',
      `set session_replication_role = replica;
      delete from quota.assistants where provider_assistant_id = '${first?.id}'`,
    );
  });

  test('where a login may not move', async () => {
    const urls = shards.databases.map(({ url }) => url);
    const login = `carrier_${shards.databases[0]?.name}`;
    await atEu(`create role ${login} login in role quota_operator`);
    try {
      shards.write([(urls[0] ?? '').replace(/\/\/(?:[^/@]*@)?/, `//${login}@`), ...urls.slice(1)]);
      expect(await refused(78)).toMatch(/of shard eu-1 is not the owner/);
    } finally {
      shards.write(urls);
      await atEu(`drop role ${login}`);
    }
  });

  test('while apps would have to wait for longer than they may; they go on there', async () => {
    const holder = await openSession(
      shards.urlOf('us-1'),
      'lock table quota.arriving_users in exclusive mode',
    );
    expect(await refused(75, '--hold', '1s')).toMatch(/took too long; nothing was changed/);
    await atEu(`select quota.record('${user}', 'voice', 'meanwhile', 5)`);
    await holder.end();
    expect(await commands.json('shards', 'where', user)).toMatchObject({ shard: 'eu-1' });
  });
});

test('what an app writes meanwhile waits, and is refused where the user was: it is counted once, or not at all', async () => {
  const before = await counted();
  const holder = await openSession(shards.urlOf('us-1'), 'lock table quota.arriving_users in exclusive mode');
  const moving = commands.json(...move(user, 'us-1'));
  await holder.waitedFor();
  const writing = shards.on('eu-1', `select quota.record('${user}', 'voice', 'too late', 5)`).then(
    () => 'counted',
    (error) => error.code,
  );
  await expect(shards.on('eu-1', `select allowed from quota.check('${user}', 'chat')`)).resolves.toHaveLength(
    1,
  );
  await holder.end();
  await moving;
  expect(await writing).toBe('QT009');
  expect(await counted()).toEqual(before);
});

test('what stayed behind is exported with the rest, and erased with it', async () => {
  const { user: exported, tables } = await commands.json('user', 'export', user);
  expect(
    tables.audit_log.some(({ action, subject }: Json) => action === 'user.moved' && subject === 'us-1'),
  ).toBe(true);
  await commands.json('user', 'erase', user, '--reason', 'request 17', '--yes');
  const behind = await query(
    shards.urlOf('eu-1'),
    `select (select count(*)::int from quota.audit_personal where user_id = $1) as personal,
       (select count(*)::int from quota.audit_reasons where user_id = $1) as reasons,
       quota.was_erased($2) as "isErased"`,
    [exported.id, user],
  );
  expect(behind).toEqual([{ personal: 0, reasons: 0, isErased: true }]);
});
