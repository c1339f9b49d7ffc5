import { afterEach, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** Users with ids of the app, who appear without notice. */
const desk = useDesk();
const now = '2026-11-10T12:00:00Z';
const rows = (sql: string, values: unknown[] = []) => desk.queryAt(now, sql, values);
const row = async (sql: string, values: unknown[] = []) => (await rows(sql, values))[0];
const known = (externalId: string) =>
  rows(
    `select u.id, u.created_at as "createdAt", array(select s.plan from quota.subscriptions s where s.user_id = u.id) as plans
     from quota.users u where u.external_id = $1`,
    [externalId],
  );
const setCreation = (value: string) =>
  desk.query(`update quota.settings set value = $1 where name = 'auto_create_users'`, [value]);
afterEach(() => setCreation('on'));

test('a check for somebody unknown is that for somebody new, and writes nothing', async () => {
  const before = await desk.snapshot();
  expect(
    await row(
      `select allowed, reason, plan, used::text, "limit"::text, remaining::text, resets_at from quota.check('zoe', 'voice')`,
    ),
  ).toEqual({
    allowed: true,
    reason: 'ok',
    plan: 'voice-free',
    used: '0',
    limit: '600.000',
    remaining: '600.000',
    resets_at: new Date('2026-12-10T00:00:00Z'),
  });
  expect(await row(`select allowed, reason from quota.check('zoe', 'voice', p_quantity => 601)`)).toEqual({
    allowed: false,
    reason: 'would_exceed',
  });
  expect(
    await row(`select allowed, reason, remaining from quota.check('zoe', 'voice', p_for => 'assistant')`),
  ).toMatchObject({ allowed: true });
  expect(await desk.snapshot()).toEqual(before);
});

test('the three questions of a dashboard are answered before the first call, with money', async () => {
  const before = await desk.snapshot();
  expect(
    await rows(
      `select service, plan, meter, used::text, remaining::text, cost::text, cost_limit::text, percent::text, state,
         last_reset, resets_at from quota.get_user_plan_limits('new-one', 'chat')`,
    ),
  ).toEqual(
    ['messages', 'premium_messages'].map((meter) => ({
      service: 'chat',
      plan: 'chat-free',
      meter,
      used: '0',
      remaining: meter === 'messages' ? '100.000' : '20.000',
      cost: '0',
      cost_limit: null,
      percent: '0.00',
      state: 'ok',
      last_reset: new Date('2026-11-01T00:00:00Z'),
      resets_at: new Date('2026-12-01T00:00:00Z'),
    })),
  );
  expect(
    await rows(`select distinct service from quota.get_user_plan_limits('new-one') order by service`),
  ).toEqual([{ service: 'avatar' }, { service: 'chat' }, { service: 'transcription' }, { service: 'voice' }]);
  expect(
    await rows(`select * from quota.check_concurrent_processing_limit('new-one', 'transcription')`),
  ).toEqual([{ service: 'transcription', can_process: true, active: 0, max_concurrent: 1 }]);
  expect(
    await rows(
      `select month::text, calls, cost::text from quota.calculate_usage_stats('new-one', 3, 'transcription')`,
    ),
  ).toEqual([{ month: '2026-11-01', calls: 0, cost: '0' }]);
  expect(await desk.snapshot()).toEqual(before);
});

describe.each([
  ['record', (user: string, key: string) => `select quota.record('${user}', 'voice', '${key}', 60)`],
  [
    'start_session',
    (user: string, key: string) => `select quota.start_session('${user}', 'voice', '${key}')`,
  ],
])('the first %s', (name, call) => {
  test('makes the user, signed up now, on the default plan', async () => {
    await rows(call(`${name}-1`, `${name}-1`));
    expect(await known(`${name}-1`)).toEqual([
      { id: expect.any(String), createdAt: new Date(now), plans: ['voice-free'] },
    ]);
    expect(await desk.differences()).toEqual([]);
  });

  test('keeps the uuid of an app as the id, and finds it in capitals, too', async () => {
    const id =
      name === 'record' ? 'a4cb0000-0000-4000-8000-000000000001' : 'a4cb0000-0000-4000-8000-000000000002';
    await rows(call(id, `${name}-uuid-1`));
    await rows(call(id.toUpperCase(), `${name}-uuid-2`));
    expect(await rows('select id, external_id as "externalId" from quota.users where id = $1', [id])).toEqual(
      [{ id, externalId: id }],
    );
    expect(await known(id.toUpperCase())).toEqual([]);
  });

  test('of one user, many times at once, makes one', async () => {
    const user = `${name}-many`;
    await Promise.all(Array.from({ length: 12 }, (_, index) => rows(call(user, `${user}-${index}`))));
    expect(await known(user)).toHaveLength(1);
    expect(
      await row(
        'select count(*)::integer as calls from quota.call_logs where user_id = quota.find_user($1)',
        [user],
      ),
    ).toEqual({ calls: name === 'record' ? 12 : 1 });
    expect(await desk.differences()).toEqual([]);
  });

  test('is refused where users are not made by calls, and nothing is written', async () => {
    await setCreation('off');
    const before = await desk.snapshot({ sequences: false });
    for (const sql of [
      call('stranger', `${name}-off`),
      `select quota.check('stranger', 'voice')`,
      `select * from quota.get_user_plan_limits('stranger')`,
    ]) {
      await expect(rows(sql)).rejects.toMatchObject({ code: 'QT001', message: 'unknown user "stranger"' });
    }
    expect(await desk.snapshot({ sequences: false })).toEqual(before);
  });

  test.each([
    ['an empty id', ''],
    ['blanks', '  '],
    ['a control character', 'a\u0007b'],
    ['a megabyte', 'x'.repeat(1024 * 1024)],
  ])('of %s makes nobody', async (_, user) => {
    const before = await desk.snapshot({ sequences: false });
    const error: { code: string; message: string } = await rows(
      name === 'record'
        ? `select quota.record($1, 'voice', 'k', 1)`
        : `select quota.start_session($1, 'voice', 'k')`,
      [user],
    ).then(
      () => expect.fail('was taken'),
      (caught) => caught,
    );
    expect(error).toMatchObject({ code: 'QT003' });
    expect(error.message.length).toBeLessThan(200);
    expect(await desk.snapshot({ sequences: false })).toEqual(before);
  });

  test('of an unknown service makes nobody', async () => {
    await expect(rows(call('typo', `${name}-typo`).replace("'voice'", "'vioce'"))).rejects.toMatchObject({
      code: 'QT002',
    });
    expect(await known('typo')).toEqual([]);
  });
});

describe('ensure_user', () => {
  test('makes a user with what the app knows, and answers the same again', async () => {
    const sql = `select external_id, created, changed
      from quota.ensure_user('ann', 'ann@example.com', 'Ann', '2026-01-31T09:00:00Z', 'Asia/Hong_Kong')`;
    expect(await row(sql)).toEqual({ external_id: 'ann', created: true, changed: false });
    const before = await desk.snapshot();
    expect(await row(sql)).toEqual({ external_id: 'ann', created: false, changed: false });
    expect(await desk.snapshot()).toEqual(before);
    expect(
      await row(`select email, name, timezone, created_at from quota.users where external_id = 'ann'`),
    ).toEqual({
      email: 'ann@example.com',
      name: 'Ann',
      timezone: 'Asia/Hong_Kong',
      created_at: new Date('2026-01-31T09:00:00Z'),
    });
  });

  test('tells the real signup of one who came by a call: the period moves, what is used stays used', async () => {
    await rows(`select quota.record('late', 'voice', 'late-1', 400)`);
    expect(
      await row(`select changed from quota.ensure_user('late', p_signup_at => '2026-03-15T10:00:00Z')`),
    ).toEqual({ changed: true });
    expect(await row(`select used::text, resets_at from quota.check('late', 'voice')`)).toEqual({
      used: '400.000',
      resets_at: new Date('2026-11-15T00:00:00Z'),
    });
    expect(
      await desk.query(
        `select a.action, a.after, p.after as personal from quota.audit_log a join quota.audit_personal p on p.audit_id = a.id
         where a.user_id = quota.find_user('late')`,
      ),
    ).toEqual([
      {
        action: 'user.update',
        after: { signupAt: '2026-03-15T10:00:00+00:00', timezone: 'UTC' },
        personal: { email: null, name: null },
      },
    ]);
    expect(await desk.differences()).toEqual([]);
  });

  test('works where calls make no users', async () => {
    await setCreation('off');
    expect(await row(`select created from quota.ensure_user('told')`)).toEqual({ created: true });
    expect(await row(`select allowed from quota.check('told', 'voice')`)).toEqual({ allowed: true });
  });

  test('twelve times at once makes one, and one says so', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => row(`select created from quota.ensure_user('crowd')`)),
    );
    expect(answers.filter((answer) => answer?.created)).toHaveLength(1);
  });

  test.each([
    ['an email without @', `'e1', 'nobody'`, 'QT003'],
    ['an unknown zone', `'e2', p_timezone => 'Europe/Atlantis'`, 'QT003'],
    ['a signup to come', `'e3', p_signup_at => '2027-01-01T00:00:00Z'`, 'QT004'],
    ['a signup before there was time', `'e4', p_signup_at => '1901-01-01T00:00:00Z'`, 'QT004'],
    ['a name of control characters', `'e5', p_name => e'\\x1b[2J'`, 'QT003'],
    ['nobody', 'null', 'QT003'],
  ])('refuses %s', async (_, words, code) => {
    const before = await desk.snapshot({ sequences: false });
    await expect(rows(`select quota.ensure_user(${words})`)).rejects.toMatchObject({ code });
    expect(await desk.snapshot({ sequences: false })).toEqual(before);
  });

  test('takes nothing about a person who was erased', async () => {
    const id = 'a4cb0000-0000-4000-8000-0000000000ee';
    await rows(`select quota.ensure_user($1, 'gone@example.com')`, [id]);
    await rows('select quota.erase_user($1)', [id]);
    await expect(rows(`select quota.ensure_user($1, 'gone@example.com')`, [id])).rejects.toMatchObject({
      code: 'QT001',
      message: expect.stringContaining('was erased'),
    });
  });
});

test('what calls cost by the price of the plan is in the statistics, what was told counts as told', async () => {
  await rows(`select quota.ensure_user('payer')`);
  await rows(
    `insert into quota.subscriptions (user_id, service, plan) values (quota.find_user('payer'), 'avatar', 'avatar-monthly')`,
  );
  await rows(`select quota.record('payer', 'avatar', 'p1', 2640)`);
  await rows(`select quota.record('payer', 'avatar', 'p2', 60, p_cost => 1.5)`);
  for (const monthsBack of ['0', '-1', 'null', '2147483647']) {
    expect(
      await row(
        `select calls, seconds::text, cost::text from quota.calculate_usage_stats('payer', ${monthsBack}, 'avatar')`,
      ),
    ).toEqual({ calls: 2, seconds: '2700.000', cost: '23.500000' });
  }
  expect(
    await row(
      `select cost::text, cost_limit::text, percent::text from quota.get_user_plan_limits('payer', 'avatar')`,
    ),
  ).toEqual({ cost: '23.500000', cost_limit: '50.000000', percent: '75.00' });
});

test('no function has a second form that a caller by names could mean instead', async () => {
  // PostgREST goes by the names of arguments: each form must need one that the other does not have.
  const forms = `
    select p.oid, p.proname as name, p.proargnames[1:p.pronargs] as names,
      p.proargnames[1:p.pronargs - p.pronargdefaults] as needed
    from pg_proc p where p.pronamespace = 'quota'::regnamespace`;
  expect(
    await desk.query(
      `with forms as (${forms}) select a.name from forms a join forms b on b.name = a.name and b.oid <> a.oid
       where a.needed is null or b.names is null or a.needed <@ b.names`,
    ),
  ).toEqual([]);
  const twice = `with forms as (${forms}) select name from forms group by 1 having count(*) > 1`;
  expect(await desk.query(twice)).toEqual([{ name: 'end_session' }]);
});
