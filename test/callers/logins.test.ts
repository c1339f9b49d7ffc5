import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** Who calls: a login by its oid and its name, and by the role that is set; whoever is not registered is refused. */
const desk = useDesk();
/** Another database of the same server. */
const elsewhere = useDesk();
const named = (role: string) => `${desk.name}_${role}`.slice(0, 60);
const made: string[] = [];

async function makeRole(role: string, words = 'login in role quota_app'): Promise<string> {
  await desk.query(`create role ${named(role)} ${words}`);
  made.push(named(role));
  return named(role);
}
const register = (...words: string[]) => desk.json('login', ...words, '--reason', 'test', '--yes');

/** Whom a session may ask about, of the two users that there are. */
const askable = (login: string, set?: string): Promise<string[]> =>
  desk.session(async (client) => {
    await client.query(`set session authorization ${login}`);
    if (set !== undefined) {
      await client.query(`set role ${set}`);
    }
    const answered: string[] = [];
    for (const user of ['ada', 'bob']) {
      await client.query(`select quota.check('${user}', 'voice')`).then(
        () => answered.push(user),
        (error) => expect(error).toMatchObject({ code: 'QT006' }),
      );
    }
    return answered;
  });

beforeAll(async () => {
  await desk.addUser({ externalId: 'ada' });
  await desk.addUser({ externalId: 'bob' });
});
afterAll(async () => {
  for (const role of made) {
    await desk.query(`drop role if exists ${role}`);
  }
});

test('a member of quota_app that is not registered is refused, with what to do', async () => {
  const login = await makeRole('stranger');
  expect(await askable(login)).toEqual([]);
  await desk.session(async (client) => {
    await client.query(`set session authorization ${login}`);
    await expect(client.query(`select quota.record('ada', 'voice', 'k', 1)`)).rejects.toMatchObject({
      code: 'QT006',
      hint: expect.stringContaining(`quota login allow ${login}`),
    });
    await expect(client.query(`select quota.check(null, 'chat')`)).rejects.toMatchObject({ code: 'QT006' });
  });
  const { logins } = await desk.json('login', 'list');
  expect(logins.find((entry: { role: string }) => entry.role === login)).toMatchObject({ state: 'refused' });
});

test('allowed, bound, revoked: the answers follow at once, each change audited', async () => {
  const login = await makeRole('changing');
  expect(await register('allow', login)).toMatchObject({
    role: login,
    isMember: true,
    before: null,
    after: { speaksFor: 'app', user: null, claim: null },
    auditId: expect.any(String),
  });
  expect(await askable(login)).toEqual(['ada', 'bob']);
  expect(await register('allow', login)).toMatchObject({ auditId: null });
  await register('bind', login, '--user', 'ada');
  expect(await askable(login)).toEqual(['ada']);
  await register('bind', login, '--claim', 'sub');
  expect(await askable(login)).toEqual([]);
  await register('revoke', login);
  expect(await askable(login)).toEqual([]);
  expect(
    await desk.query(`select action from quota.audit_log where subject = $1 order by id`, [login]),
  ).toEqual([
    { action: 'login.registered' },
    { action: 'login.registered' },
    { action: 'login.registered' },
    { action: 'login.revoked' },
  ]);
});

test('a role that is renamed, or made anew under the name, is not who was meant', async () => {
  const login = await makeRole('renamed', 'login in role quota_app, quota_readonly');
  await register('bind', login, '--user', 'ada');
  await desk.query(`alter role ${login} rename to ${named('other')}`);
  made.push(named('other'));
  expect(await askable(named('other'))).toEqual([]);
  const seen = (role: string) =>
    desk.session(async (client) => {
      await client.query(`set session authorization ${role}`);
      return (await client.query('select external_id from quota.users')).rows;
    });
  expect(await seen(named('other'))).toEqual([]);
  const { logins } = await desk.json('login', 'list');
  expect(logins).toContainEqual(expect.objectContaining({ role: login, state: 'renamed' }));
  const { checks } = await desk.json('doctor');
  expect(checks.find(({ check }: { check: string }) => check === 'logins')).toMatchObject({
    count: expect.any(Number),
    findings: [{ role: login, speaksFor: 'user', state: 'renamed' }],
  });
  await makeRole('renamed', 'login in role quota_app, quota_readonly');
  expect(await askable(login)).toEqual([]);
  expect(await seen(login)).toEqual([]);
  await register('bind', named('other'), '--user', 'bob');
  expect(await askable(named('other'))).toEqual(['bob']);
  expect(await seen(named('other'))).toEqual([{ external_id: 'bob' }]);
});

describe('a role that is set', () => {
  test('is who calls: a pool that puts on a bound role is bound', async () => {
    const tenant = await makeRole('tenant', 'nologin in role quota_app');
    const pool = await makeRole('pool', `login noinherit in role ${tenant}`);
    await register('bind', tenant, '--user', 'bob');
    expect(await askable(pool, tenant)).toEqual(['bob']);
  });

  test('does not free a login that is bound itself', async () => {
    const app = await makeRole('whole', 'nologin in role quota_app');
    const bound = await makeRole('bound', `login in role quota_app, ${app}`);
    await register('allow', app);
    await register('bind', bound, '--user', 'ada');
    expect(await askable(bound, app)).toEqual(['ada']);
    const elsewhere = await makeRole('elsewhere', 'nologin in role quota_app');
    await desk.query(`grant ${elsewhere} to ${bound}`);
    await register('bind', elsewhere, '--user', 'bob');
    expect(await askable(bound, elsewhere)).toEqual([]);
    await desk.query(`grant quota_operator to ${bound}`);
    expect(await askable(bound, 'quota_operator')).toEqual(['ada']);
  });

  test('does not lend a registration: what is put on without one is refused', async () => {
    const bare = await makeRole('bare', 'nologin in role quota_app');
    const login = await makeRole('allowed', `login in role quota_app, ${bare}`);
    await register('allow', login);
    expect(await askable(login)).toEqual(['ada', 'bob']);
    expect(await askable(login, bare)).toEqual([]);
  });
});

test('a registration is of one database alone', async () => {
  const login = await makeRole('two_places');
  await register('allow', login);
  expect(await askable(login)).toEqual(['ada', 'bob']);
  await elsewhere.session(async (client) => {
    await client.query(`set session authorization ${login}`);
    await expect(client.query(`select quota.check('ada', 'voice')`)).rejects.toMatchObject({ code: 'QT006' });
  });
});

test('an upgrade carries bindings and logins over as what they were, and nothing that was open to a set role', async () => {
  const [login, pooled, bound] = [
    await makeRole('old_app'),
    await makeRole('old_set', 'nologin in role quota_app'),
    await makeRole('old_bound'),
  ];
  const [down, up] = await Promise.all(
    ['down.sql', 'sql'].map(async (ending) => {
      const name = (await readdir('migrations')).find((file) => file.endsWith(`_logins.${ending}`));
      return readFile(`migrations/${name}`, 'utf8');
    }),
  );
  await elsewhere.addUser({ externalId: 'cara' });
  await elsewhere.query(down ?? '');
  await elsewhere.query(
    `insert into quota.role_bindings select role_name, (select id from quota.users where external_id = 'cara')
     from unnest($1::name[]) role_name`,
    [[bound, 'no_such_role']],
  );
  await elsewhere.query(up ?? '');
  const { logins } = await elsewhere.json('login', 'list');
  const stateOf = (role: string) =>
    logins
      .filter((entry: { role: string }) => entry.role === role)
      .map(({ speaksFor, user, state }: Record<string, string>) => ({ speaksFor, user, state }));
  expect(stateOf(login)).toEqual([{ speaksFor: 'app', user: null, state: 'carried' }]);
  expect(stateOf(bound)).toEqual([{ speaksFor: 'user', user: 'cara', state: 'carried' }]);
  expect(stateOf('no_such_role')).toEqual([{ speaksFor: 'user', user: 'cara', state: 'gone' }]);
  expect(stateOf(pooled)).toEqual([{ speaksFor: null, user: null, state: 'refused' }]);
  await elsewhere.json('login', 'allow', login, '--reason', 'looked at', '--yes');
  expect(
    (await elsewhere.json('login', 'list')).logins.find(({ role }: { role: string }) => role === login),
  ).toMatchObject({ state: 'registered' });
});

test('names that need quoting are names', async () => {
  const login = `"${named('od-d').toUpperCase()}"`;
  await desk.query(`create role ${login} login in role quota_app`);
  made.push(login);
  await register('allow', login.slice(1, -1));
  expect(await askable(login)).toEqual(['ada', 'bob']);
});

test('the short way of the caller is right wherever it says yes', async () => {
  const plain = (role: string, set?: string) =>
    desk.session(async (client) => {
      await client.query(`create or replace function pg_temp.both() returns table (short boolean, speaks_for text)
        language sql security definer as 'select quota.is_plain_caller(), c.speaks_for from quota.caller() c'`);
      const [{ schema }] = (await client.query(`select pg_my_temp_schema()::regnamespace::text as schema`))
        .rows;
      await client.query(
        `grant usage on schema ${schema} to public; grant execute on function ${schema}.both() to public`,
      );
      await client.query(`set session authorization ${role}`);
      await client.query(set === undefined ? 'reset role' : `set role ${set}`);
      return (await client.query(`select * from ${schema}.both()`)).rows[0];
    });
  for (const [role, set, short, speaks_for] of [
    [named('allowed'), undefined, true, 'all'],
    [named('allowed'), named('bare'), false, 'nobody'],
    [named('stranger'), undefined, false, 'nobody'],
    [named('bound'), undefined, false, 'user'],
    [named('bound'), named('whole'), false, 'user'],
    [named('other'), undefined, false, 'user'],
  ] as const) {
    expect({ role, set, ...(await plain(role, set)) }).toEqual({ role, set, short, speaks_for });
  }
});

test('an operator is not bound: what it may run concerns every user', async () => {
  const login = await makeRole('staff', 'login in role quota_app, quota_operator');
  expect(await desk.run('login', 'bind', login, '--user', 'ada', '--reason', 'test', '--yes')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('is an operator'),
  });
});

test.each([
  [4, ['allow', 'no_such_role'], 'has no role'],
  [4, ['revoke', 'no_such_role'], 'is not registered'],
  [2, ['bind', 'quota_app'], 'either to a user or to a claim'],
  [2, ['bind', 'quota_app', '--user', 'ada', '--claim', 'sub'], 'either to a user or to a claim'],
  [4, ['bind', 'quota_app', '--user', 'nobody'], 'no user'],
] as const)('exit %d: login %s', async (code, words, message) => {
  const answer = await desk.run('login', ...words, '--reason', 'test', '--yes');
  expect(answer).toMatchObject({ code, stderr: expect.stringContaining(message) });
});
