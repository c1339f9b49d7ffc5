import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** What PostgREST does for each request: a pool's login that inherits nothing, a role and claims until the end. */
const desk = useDesk();
const roles = ['authenticator', 'anon', 'authenticated', 'service_role'] as const;
type Role = (typeof roles)[number];
/** Roles belong to the whole server: each run has its own. */
const named = (role: string) => `${desk.name}_${role}`.slice(0, 60);
const ann = 'a4cb0000-0000-4000-8000-00000000a001';
const bob = 'a4cb0000-0000-4000-8000-00000000b002';

beforeAll(async () => {
  await desk.query(`create role ${named('authenticator')} login noinherit`);
  for (const role of roles.slice(1)) {
    await desk.query(`create role ${named(role)} nologin in role quota_app`);
    await desk.query(`grant ${named(role)} to ${named('authenticator')}`);
  }
  await desk.query(`alter role ${named('service_role')} bypassrls`);
  await desk.query(`grant usage on schema quota to ${named('authenticated')}`);
  await desk.query(
    `grant select on quota.users, quota.call_logs, quota.usage_quotas, quota.logins to ${named('authenticated')}`,
  );
  await desk.query(`select quota.ensure_user($1), quota.record($1, 'voice', 'bobs', 30)`, [bob]);
  const bind = (...words: string[]) => desk.json('login', ...words, '--reason', 'PostgREST', '--yes');
  await bind('bind', named('authenticated'), '--claim', 'sub');
  await bind('bind', named('anon'), '--claim', 'sub');
  await bind('allow', named('service_role'));
});

/** One request. */
const request = (
  role: Role,
  claims: unknown,
  sql: string,
  values: unknown[] = [],
): Promise<pg.QueryResultRow[]> =>
  desk.session(async (client) => {
    await client.query(`set session authorization ${named('authenticator')}`);
    await client.query('begin');
    await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
      named(role),
      typeof claims === 'string' ? claims : JSON.stringify(claims),
    ]);
    const { rows } = await client.query(sql, values);
    await client.query('commit');
    return rows;
  });

const other = { code: 'QT006' };
const functions = (user: string) =>
  [
    `select quota.check('${user}', 'voice')`,
    `select quota.record('${user}', 'voice', 'theft', 100)`,
    `select quota.start_session('${user}', 'avatar', 'theft')`,
    `select quota.ensure_user('${user}', 'eve@example.com')`,
    `select * from quota.get_user_plan_limits('${user}')`,
    `select * from quota.check_concurrent_processing_limit('${user}')`,
    `select * from quota.calculate_usage_stats('${user}')`,
  ] as const;

describe('a signed-in user', () => {
  const as = (sql: string) => request('authenticated', { sub: ann, role: 'authenticated' }, sql);

  test('is made by the first call, and asks and records for itself', async () => {
    expect(await as(`select allowed, remaining::text from quota.check('${ann}', 'voice')`)).toEqual([
      { allowed: true, remaining: '600.000' },
    ]);
    expect(await as(`select recorded, used::text from quota.record('${ann}', 'voice', 'anns', 100)`)).toEqual(
      [{ recorded: true, used: '100.000' }],
    );
    const [session] = await as(
      `select allowed, session_id from quota.start_session('${ann}', 'avatar', 'anns')`,
    );
    expect(session).toMatchObject({ allowed: true });
    expect(await as(`select recorded from quota.end_session(${session?.session_id}, 5)`)).toEqual([
      { recorded: true },
    ]);
    for (const sql of functions(ann)) {
      await as(sql.replaceAll('theft', 'hers'));
    }
  });

  test.each(functions(bob))('does not for another: %s', async (sql) => {
    await expect(as(sql)).rejects.toMatchObject(other);
  });

  test.each(functions('whoever'))('nor for somebody unknown: %s', async (sql) => {
    await expect(as(sql)).rejects.toMatchObject(other);
  });

  test('does not end the session of another, nor says when periods begin', async () => {
    const [session] = await desk.query<{ id: string }>(
      `select session_id as id from quota.start_session($1, 'avatar', 'bobs')`,
      [bob],
    );
    await expect(as(`select quota.end_session(${session?.id}, 1)`)).rejects.toMatchObject(other);
    await expect(
      as(`select quota.ensure_user('${ann}', p_signup_at => '2020-01-01T00:00:00Z')`),
    ).rejects.toMatchObject(other);
  });

  test('sees its own rows in whatever table is given', async () => {
    expect(await as('select external_id as id from quota.users')).toEqual([{ id: ann }]);
    for (const table of ['call_logs', 'usage_quotas']) {
      expect(await as(`select distinct user_id as id from quota.${table}`)).toEqual([{ id: ann }]);
    }
    expect(await as('select * from quota.logins')).toEqual([]);
  });

  test('leaves nothing of itself in the pool', async () => {
    await desk.session(async (client) => {
      await client.query(`set session authorization ${named('authenticator')}`);
      await client.query('begin');
      await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
        named('authenticated'),
        JSON.stringify({ sub: ann }),
      ]);
      await client.query(`select quota.check('${ann}', 'voice')`);
      await client.query('commit');
      await expect(client.query(`select quota.check('${ann}', 'voice')`)).rejects.toMatchObject({
        code: '42501',
      });
    });
  });
});

describe.each([
  ['no claims', ''],
  ['claims without the one that is meant', { role: 'authenticated', email: 'ann@example.com' }],
  ['an empty claim', { sub: '' }],
  ['a claim that is nothing', { sub: null }],
  ['a claim that is a list', { sub: [ann, bob] }],
  ['claims that are no object', '["sub"]'],
  ['claims that are no JSON', '{sub'],
])('with %s', (_, claims) => {
  test.each(functions(bob))('nobody is anybody: %s', async (sql) => {
    await expect(request('authenticated', claims, sql)).rejects.toMatchObject(other);
  });

  test('no row is seen, and what anybody may do without signing in is answered', async () => {
    expect(await request('authenticated', claims, 'select * from quota.users')).toEqual([]);
    expect(await request('authenticated', claims, 'select * from quota.call_logs')).toEqual([]);
    expect(
      await request('anon', claims, `select allowed from quota.check(null, 'chat', 'gemini-2.0-flash')`),
    ).toEqual([{ allowed: true }]);
  });
});

test('the service role asks and records for all, whatever claims it has', async () => {
  for (const claims of ['', { sub: ann, role: 'service_role' }]) {
    for (const user of [ann, bob]) {
      expect(
        await request('service_role', claims, `select allowed from quota.check('${user}', 'voice')`),
      ).toEqual([{ allowed: true }]);
    }
  }
  expect(
    await request(
      'service_role',
      '',
      `select recorded from quota.record('${bob}', 'voice', 'by service', 1)`,
    ),
  ).toEqual([{ recorded: true }]);
});

test('a claim with the id of ours, or with one that is like that of another, is nobody else', async () => {
  const [carl] = await desk.query<{ id: string }>(
    `insert into quota.users (external_id) values ('carl') returning id`,
  );
  const as = (sql: string) => request('authenticated', { sub: carl?.id }, sql);
  await expect(as(`select quota.check('carl', 'voice')`)).rejects.toMatchObject(other);
  expect(await as('select * from quota.users')).toEqual([]);
});
