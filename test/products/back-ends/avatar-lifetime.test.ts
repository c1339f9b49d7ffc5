import { expect, test } from 'vitest';
import { useDesk } from '../../desk/desk.ts';
import { type BackEnd, type Endpoints, ok, useBackEnd } from './back-end.ts';

/** Twenty minutes per account: the back end of a product that streams avatars, with its endpoints. */
const desk = useDesk();

const minutes = (seconds: string) => Math.floor(Number(seconds) / 60);

const endpoints = (back: BackEnd): Endpoints => ({
  'POST /api/v1/avatar/quota/check': async ({ user, body }) => {
    const answer = await back.row('select * from quota.check($1, $2, p_session => $3)', [
      user,
      'avatar',
      body.vertex_session_id ?? null,
    ]);
    return ok({
      can_create_session: answer.allowed,
      switch_to_static: answer.action === 'switch_to_static',
      message: answer.message,
      warnings: { quota_exhausted: answer.reason === 'quota_exceeded' },
      limits: {
        minutes_remaining: minutes(answer.remaining),
        seconds_remaining: Number(answer.remaining) % 60,
      },
    });
  },
  'POST /api/v1/avatar/session/start': async ({ user, body }) => {
    const session = await back.row('select * from quota.start_session($1, $2, $3)', [
      user,
      'avatar',
      body.vertex_session_id,
    ]);
    return ok(
      session.allowed
        ? { success: true, session_timeout: Number(session.cap_seconds) }
        : {
            success: false,
            switch_to_static: session.action === 'switch_to_static',
            message: session.message,
          },
    );
  },
  'POST /api/v1/avatar/session/alive': async ({ user, body }) => {
    const life = await back.row('select * from quota.touch_session($1, $2, $3)', [
      user,
      body.vertex_session_id,
      body.seconds,
    ]);
    return ok({ running: life.running, seconds_remaining: Number(life.remaining), ends_at: life.ends_at });
  },
  'POST /api/v1/avatar/session/end': async ({ user, body }) => {
    const end = await back.row('select * from quota.end_session($1, $2, $3, p_error => $4, p_status => $5)', [
      user,
      body.vertex_session_id,
      body.seconds,
      body.error ?? null,
      body.error ? 'error' : 'completed',
    ]);
    return ok({ counted: end.recorded, switch_to_static: end.action === 'switch_to_static' });
  },
  'GET /api/v1/avatar/quota': async ({ user }) => {
    const quota = await back.row('select * from quota.get_user_plan_limits($1, $2)', [user, 'avatar']);
    return ok({
      total_limit_minutes: minutes(quota.limit_quantity),
      used_minutes: minutes(quota.used),
      used_seconds: Number(quota.used),
      session_count: quota.calls,
      quota_exhausted: quota.state === 'exceeded',
      exhausted_at: quota.exhausted_at,
      resets_at: quota.resets_at,
    });
  },
});

const back = useBackEnd(desk, endpoints);
const check = (user: string, session?: string) =>
  back.its.ask('POST /api/v1/avatar/quota/check', user, { vertex_session_id: session });
const start = (user: string, session: string) =>
  back.its.ask('POST /api/v1/avatar/session/start', user, { vertex_session_id: session });
const end = (user: string, session: string, seconds: number, error?: string) =>
  back.its.ask('POST /api/v1/avatar/session/end', user, { vertex_session_id: session, seconds, error });
const quotaOf = async (user: string) => (await back.its.ask('GET /api/v1/avatar/quota', user)).body;

test('a new account has 20:00; 5:30, 8:15 and 6:15 use them up, and from then on the avatar is static', async () => {
  expect((await check('ann')).body).toEqual({
    can_create_session: true,
    switch_to_static: false,
    message: 'Allowed.',
    warnings: { quota_exhausted: false },
    limits: { minutes_remaining: 20, seconds_remaining: 0 },
  });
  const told = [];
  for (const [session, seconds] of [
    ['a1', 330],
    ['a2', 495],
    ['a3', 375],
  ] as const) {
    expect((await start('ann', session)).body).toMatchObject({ success: true });
    const { body } = await end('ann', session, seconds);
    told.push([body.switch_to_static, (await check('ann')).body.limits]);
  }
  expect(told).toEqual([
    [false, { minutes_remaining: 14, seconds_remaining: 30 }],
    [false, { minutes_remaining: 6, seconds_remaining: 15 }],
    [true, { minutes_remaining: 0, seconds_remaining: 0 }],
  ]);
  expect((await check('ann')).body).toMatchObject({
    can_create_session: false,
    switch_to_static: true,
    warnings: { quota_exhausted: true },
  });
  expect(await start('ann', 'a4')).toEqual({
    status: 200,
    body: {
      success: false,
      switch_to_static: true,
      message: 'The avatar minutes of the plan "Avatar 20 minutes" are used up.',
    },
  });
  expect(await quotaOf('ann')).toEqual({
    total_limit_minutes: 20,
    used_minutes: 20,
    used_seconds: 1200,
    session_count: 3,
    quota_exhausted: true,
    exhausted_at: expect.any(Date),
    resets_at: null,
  });
});

test('no job of any year gives it back, an operator does, and the account streams again', async () => {
  await desk.at('2031-05-05T00:00:00Z').json('jobs', 'reset-anniversaries', '--no-sync');
  await desk.at('2031-05-05T00:00:00Z').json('jobs', 'reset-months', '--no-sync');
  expect((await check('ann')).body.can_create_session).toBe(false);
  await desk.json('user', 'reset', 'ann', '--service', 'avatar', '--reason', 'goodwill', '--yes');
  expect((await check('ann')).body).toMatchObject({
    can_create_session: true,
    limits: { minutes_remaining: 20, seconds_remaining: 0 },
  });
  expect(await quotaOf('ann')).toMatchObject({
    quota_exhausted: false,
    exhausted_at: null,
    session_count: 3,
  });
});

test('with two minutes left a session is two minutes long, its own page counts down and is not stopped by itself', async () => {
  await start('ben', 'b1');
  await end('ben', 'b1', 1080);
  expect((await start('ben', 'b2')).body).toEqual({ success: true, session_timeout: 120 });
  expect((await check('ben', 'b2')).body).toMatchObject({
    switch_to_static: false,
    limits: { minutes_remaining: 2, seconds_remaining: 0 },
  });
  const { body } = await back.its.ask('POST /api/v1/avatar/session/alive', 'ben', {
    vertex_session_id: 'b2',
    seconds: 0.5,
  });
  expect(body).toEqual({ running: true, seconds_remaining: 119.5, ends_at: expect.any(Date) });
  expect((await end('ben', 'b2', 120)).body).toEqual({ counted: true, switch_to_static: true });
});

test('a back end that dies before its start is committed has started nothing; one that dies after it goes on', async () => {
  await back.its.crashAfter('select quota.start_session($1, $2, $3)', ['cleo', 'avatar', 'c1']);
  expect((await check('cleo')).body.limits).toEqual({ minutes_remaining: 20, seconds_remaining: 0 });

  await start('cleo', 'c2');
  await back.its.restart();
  expect((await start('cleo', 'c2')).body).toMatchObject({ success: true, session_timeout: 1200 });
  // Its end is not known to have come: told once more, it counts once.
  await end('cleo', 'c2', 90.5);
  await back.its.restart();
  expect((await end('cleo', 'c2', 90.5)).body).toEqual({ counted: false, switch_to_static: false });
  expect(await quotaOf('cleo')).toMatchObject({ used_seconds: 90.5, session_count: 1 });
});

test('a tab that is gone is settled at its last sign of life, and its true end is taken later', async () => {
  await start('dora', 'd1');
  await back.its.ask('POST /api/v1/avatar/session/alive', 'dora', { vertex_session_id: 'd1', seconds: 2 });
  const later = new Date(Date.now() + 600_000).toISOString();
  await desk.at(later).json('jobs', 'reap-stale');
  expect(await quotaOf('dora')).toMatchObject({ used_seconds: 2, quota_exhausted: false });
  expect((await end('dora', 'd1', 3.25)).body.counted).toBe(true);
  expect(await quotaOf('dora')).toMatchObject({ used_seconds: 3.25, session_count: 1 });
});

test('a session that failed is kept with its error', async () => {
  await start('eve', 'e1');
  await end('eve', 'e1', 4, 'stream lost');
  expect(
    await back.its.rows(`select status, error, seconds from quota.usage_history('eve', 'avatar')`),
  ).toEqual([{ status: 'error', error: 'stream lost', seconds: '4.000' }]);
});

test('without a token nobody is answered, and nobody ends, keeps alive or sees the session of another', async () => {
  for (const endpoint of back.its.closed()) {
    expect((await back.its.ask(endpoint, null)).status, endpoint).toBe(401);
  }
  await start('fay', 'f1');
  expect(await end('gus', 'f1', 1)).toMatchObject({ status: 404 });
  await start('gus', 'g1');
  for (const [what, answer] of [
    ['end', await end('gus', 'f1', 1)],
    [
      'alive',
      await back.its.ask('POST /api/v1/avatar/session/alive', 'gus', { vertex_session_id: 'f1', seconds: 1 }),
    ],
    ['start', await start('gus', 'f1')],
  ] as const) {
    expect(answer, what).toMatchObject({ status: 422, body: { code: 'QT003' } });
  }
  expect(await back.its.rows(`select key from quota.usage_history('gus')`)).toEqual([{ key: 'g1' }]);
  expect(await desk.differences()).toEqual([]);
});
