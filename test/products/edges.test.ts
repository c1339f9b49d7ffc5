import { beforeAll, expect, test } from 'vitest';
import { useApp } from './app.ts';

const app = useApp('2026-11-10T12:00:00Z');
beforeAll(async () => {
  for (const name of ['ada', 'bob', 'cara', 'dan', 'eve']) {
    await app.addUser(name, '2026-01-31T09:00:00Z');
  }
});

const subscribe = (user: string, service: string, plan: string) =>
  app.rows(
    `insert into quota.subscriptions (user_id, service, plan) select id, $2, $3 from quota.users where external_id = $1`,
    [user, service, plan],
  );
const limits = (user: string) =>
  app.call(
    `select l.meter, l.remaining::text from quota.users u cross join quota.get_user_plan_limits(u.external_id) l
     where u.external_id = $1`,
    [user],
  );

test('sessions side by side do not get the same money', async () => {
  await subscribe('ada', 'avatar', 'avatar-monthly');
  // 50 cents of 50 dollars are left: one minute at the price of the plan, of the 59 that its minutes would give.
  await app.rows(`select quota.record('ada', 'avatar', 'dear', 60, p_cost => 49.5)`);
  expect(await limits('ada')).toEqual({ meter: 'avatar_seconds', remaining: '60.000' });
  const start = (key: string, estimate: number) =>
    app.call(
      `select allowed, reason, cap_seconds::text from quota.start_session('ada', 'avatar', $1, p_estimate => $2)`,
      [key, estimate],
    );
  expect(await start('s1', 40)).toEqual({ allowed: true, reason: 'ok', cap_seconds: '40' });
  expect(await limits('ada')).toEqual({ meter: 'avatar_seconds', remaining: '20.000' });
  expect(await start('s2', 40)).toMatchObject({ allowed: false, reason: 'would_exceed' });
  expect(await start('s3', 20)).toMatchObject({ allowed: true });
  expect(await start('s4', 1)).toMatchObject({ allowed: false, reason: 'quota_exceeded' });
});

test.each([
  ['without any limit', 'chat', 'chat-open', 'messages', null],
  ['with a limit of cost and no price', 'voice', 'voice-cost', 'voice_seconds', 5],
])('a plan %s refuses nobody before the limit', async (_, service, plan, meter, cost) => {
  await app.rows('insert into quota.plans (key, service, name) values ($1, $2, $1)', [plan, service]);
  await app.rows(
    `insert into quota.plan_limits (plan, meter, cost_limit, reset_every) values ($1, $2, $3, '1 month')`,
    [plan, meter, cost],
  );
  await subscribe('bob', service, plan);
  const check = () =>
    app.call(`select allowed, reason, remaining, state from quota.check('bob', $1, p_quantity => 100000)`, [
      service,
    ]);
  const open = { allowed: true, reason: 'ok', remaining: null, state: 'ok' };
  expect(await check()).toEqual(open);
  await app.rows(`select quota.record('bob', $1, $1, 7, p_cost => 4)`, [service]);
  expect(await check()).toMatchObject({ allowed: true, remaining: null });
  expect(
    await app.call(`select allowed, cap_seconds from quota.start_session('bob', $1, $1 || ' 1')`, [service]),
  ).toEqual({ allowed: true, cap_seconds: null });
  await app.rows(`select quota.record('bob', $1, $1 || ' 2', 7, p_cost => 1)`, [service]);
  expect(await check()).toMatchObject(
    cost === null ? open : { allowed: false, reason: 'cost_limit_exceeded', state: 'exceeded' },
  );
});

test('a key of another call is refused, and its usage not lost in silence', async () => {
  await app.rows(`select quota.record('cara', 'voice', 'mine', 10)`);
  for (const sql of [
    `select quota.record('dan', 'voice', 'mine', 10)`,
    `select quota.record('cara', 'chat', 'mine', 1, p_provider => 'voice')`,
    `select quota.start_session('dan', 'voice', 'mine')`,
  ]) {
    await expect(app.rows(sql)).rejects.toMatchObject({
      code: 'QT003',
      message: expect.stringContaining('"mine"'),
    });
  }
});

test('a session is started once, also when its end was not told to whoever starts it again', async () => {
  const start = () =>
    app.call<{ session_id: string }>(`select * from quota.start_session('dan', 'avatar', 'once')`);
  const { session_id } = await start();
  expect(await start()).toMatchObject({ allowed: true, session_id });
  await app.rows('select quota.end_session($1, 30)', [session_id]);
  await expect(start()).rejects.toMatchObject({ code: 'QT003', message: expect.stringContaining('"once"') });
});

test('a check warns of every meter that the call counts on', async () => {
  for (let n = 1; n <= 82; n++) {
    await app.rows(`select quota.record('eve', 'chat', $1, 1, p_model => $2)`, [
      `e${n}`,
      n <= 5 ? 'claude-3-opus' : 'gpt-4o',
    ]);
  }
  // 15 of the premium ones are left, and 18 of all: 25 % and 82 % are used.
  expect(
    await app.call(`select allowed, meter, state, warnings from quota.check('eve', 'chat', 'claude-3-opus')`),
  ).toEqual({
    allowed: true,
    meter: 'premium_messages',
    state: 'ok',
    warnings: ['warning: 80% of messages used'],
  });
});

test('a cost limit is reached by its last cent, not before', async () => {
  await app.addUser('penny', '2026-11-01T00:00:00Z');
  await subscribe('penny', 'avatar', 'avatar-monthly');
  const spend = (key: string, cost: string) =>
    app.call(`select recorded from quota.record('penny', 'avatar', $1, 1, p_cost => $2)`, [key, cost]);
  const check = () => app.call(`select allowed, reason from quota.check('penny', 'avatar')`);
  const isMarked = () =>
    app.call(
      `select q.exhausted_at is not null as marked from quota.usage_quotas q join quota.users u on u.id = q.user_id
       where u.external_id = 'penny'`,
    );
  await spend('nearly all', '49.99');
  expect(await check()).toEqual({ allowed: true, reason: 'ok' });
  expect(await isMarked()).toEqual({ marked: false });
  await spend('the rest', '0.01');
  expect(await check()).toEqual({ allowed: false, reason: 'cost_limit_exceeded' });
  expect(await isMarked()).toEqual({ marked: true });
});

test.each([
  ['0.000001', { allowed: false, reason: 'cost_limit_exceeded', state: 'critical', remaining: '0.000' }],
  // Two thousandths of a second, at half a dollar a minute.
  ['0.00002', { allowed: true, reason: 'ok', state: 'critical', remaining: '0.002' }],
])('of a cost limit $%s are left: less than anything costs is no quota used up', async (left, answer) => {
  const user = `left ${left}`;
  await app.addUser(user, '2026-11-01T00:00:00Z');
  await subscribe(user, 'avatar', 'avatar-monthly');
  await app.rows(`select quota.record($1, 'avatar', $1, 1, p_cost => 50 - $2::numeric)`, [user, left]);
  expect(
    await app.call(`select allowed, reason, state, remaining from quota.check($1, 'avatar')`, [user]),
  ).toEqual(answer);
  expect(
    await app.call(`select allowed, reason from quota.start_session($1, 'avatar', $1 || ' 1')`, [user]),
  ).toEqual({ allowed: answer.allowed, reason: answer.reason });
});

test('who is not signed in is told to, where a service has nothing for them', async () => {
  expect(await app.call(`select allowed, reason, message from quota.check(null, 'voice')`)).toEqual({
    allowed: false,
    reason: 'sign_in_required',
    message: 'Sign in to use this.',
  });
});

test('all of it follows from the facts', async () => {
  expect(await app.differences()).toEqual([]);
});
