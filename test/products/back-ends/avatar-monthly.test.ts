import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../../desk/desk.ts';
import { type BackEnd, type Endpoints, ok, refuse, useBackEnd } from './back-end.ts';

/** Sixty minutes and $50 a month: the token service and the usage endpoints of a product that streams avatars. */
const desk = useDesk();

const endpoints = (back: BackEnd): Endpoints => ({
  'POST /api/v1/tokens/create': async ({ user, body }) => {
    const answer = await back.row('select * from quota.check($1, $2)', [user, 'avatar']);
    return ok(
      answer.allowed
        ? {
            success: true,
            token: 'heygen-token',
            usage_tracking: true,
            tracking_info: { user_id: user, session_id: body.session_id },
          }
        : { success: false, message: answer.message, use_static: answer.action === 'switch_to_static' },
    );
  },
  'POST /api/v1/tokens/track-start': async ({ user, body }) => {
    const session = await back.row('select * from quota.start_session($1, $2, $3, p_metadata => $4)', [
      user,
      'avatar',
      body.avatar_session_id,
      { avatar_name: body.avatar_name, session_id: body.session_id },
    ]);
    return session.allowed
      ? ok({ success: true, max_seconds: Number(session.cap_seconds) })
      : refuse(429, { success: false, message: session.message, upgrade_to: session.upgrade_to });
  },
  // The page knows the session of the avatar and nothing else.
  'POST /api/v1/tokens/track-end': async ({ user, body }) => {
    const end = await back.row(
      `select * from quota.end_session($1, $2, $3, p_words => $4, p_messages => $5, p_error => $6, p_status => $7)`,
      [
        user,
        body.avatar_session_id,
        body.duration_seconds ?? null,
        body.words_spoken ?? 0,
        body.messages_count ?? 0,
        body.error_message ?? null,
        body.error_message ? 'error' : 'completed',
      ],
    );
    return ok({
      recorded: end.recorded,
      spent: Number(end.cost),
      switch_to_static: end.action !== null,
    });
  },
  'GET /api/v1/usage/quota': async ({ user }) => {
    const quota = await back.row('select * from quota.get_user_plan_limits($1, $2)', [user, 'avatar']);
    return ok({
      used: `${Number(quota.used) / 60}/${Number(quota.limit_quantity) / 60} minutes used (${Number(quota.percent)}%)`,
      spent: `$${Number(quota.cost).toFixed(2)}/$${Number(quota.cost_limit).toFixed(2)} spent`,
      session_count: quota.calls,
      state: quota.state,
      last_reset_at: quota.last_reset,
      resets_at: quota.resets_at,
    });
  },
  'GET /api/v1/usage/can-create-session': async ({ user }) => {
    const answer = await back.row('select * from quota.check($1, $2)', [user, 'avatar']);
    return ok({ can_create: answer.allowed, reason: answer.reason, warnings: answer.warnings });
  },
  'GET /api/v1/usage/summary': async ({ user }) =>
    ok(await back.rows('select * from quota.calculate_usage_stats($1, $2, $3)', [user, 2, 'avatar'])),
  'GET /api/v1/usage/history': async ({ user, body }) =>
    ok(
      await back.rows('select * from quota.usage_history($1, $2, p_limit => $3, p_before => $4)', [
        user,
        'avatar',
        body.limit ?? 50,
        body.before ?? null,
      ]),
    ),
});

const back = useBackEnd(desk, endpoints);
/** The plan of the document is the one that everybody gets. */
beforeAll(async () => {
  const plan = async (key: string, isDefault: boolean) => [
    `  ${key}:`,
    `    default: ${isDefault}`,
    ...(await desk.run('plan', 'show', key)).stdout
      .split('\n')
      .filter((line) => line !== '' && !/^(key|default):/.test(line))
      .map((line) => `    ${line}`),
  ];
  const file = desk.write('plans.yaml', [
    'plans:',
    ...(await plan('avatar-lifetime', false)),
    ...(await plan('avatar-monthly', true)),
  ]);
  await desk.json('plan', 'apply', file, '--reason', 'the default plan', '--yes');
});

const ask = (endpoint: string, user: string | null, body?: unknown) => back.its.ask(endpoint, user, body);
const start = (user: string, session: string) =>
  ask('POST /api/v1/tokens/track-start', user, {
    avatar_session_id: session,
    session_id: 'conversation',
    avatar_name: 'Ann_Therapist_public',
  });
const end = (user: string, session: string, fields: Record<string, unknown>) =>
  ask('POST /api/v1/tokens/track-end', user, { avatar_session_id: session, ...fields });
const bodyOf = async (endpoint: string, user: string) => (await ask(endpoint, user)).body;

test('a token, a session, its end: 45 of 60 minutes and $22.50 of $50 are shown, with history and summary', async () => {
  expect(await ask('POST /api/v1/tokens/create', 'mia', { session_id: 'conversation' })).toMatchObject({
    status: 200,
    body: { success: true, usage_tracking: true, tracking_info: { user_id: 'mia' } },
  });
  expect((await start('mia', 'heygen-1')).body).toEqual({ success: true, max_seconds: 3600 });
  expect(
    (await end('mia', 'heygen-1', { duration_seconds: 2700, words_spoken: 412, messages_count: 9 })).body,
  ).toEqual({ recorded: true, spent: 22.5, switch_to_static: false });
  expect(await bodyOf('GET /api/v1/usage/quota', 'mia')).toEqual({
    used: '45/60 minutes used (75%)',
    spent: '$22.50/$50.00 spent',
    session_count: 1,
    state: 'ok',
    last_reset_at: expect.any(Date),
    resets_at: expect.any(Date),
  });
  const { resets_at: resetsAt } = await bodyOf('GET /api/v1/usage/quota', 'mia');
  expect([resetsAt.getUTCDate(), resetsAt.getUTCHours()]).toEqual([1, 0]);
  expect(await bodyOf('GET /api/v1/usage/history', 'mia')).toMatchObject([
    {
      key: 'heygen-1',
      status: 'completed',
      seconds: '2700.000',
      words: 412,
      messages: 9,
      cost: '22.500000',
      started_at: expect.any(Date),
      ended_at: expect.any(Date),
      metadata: { avatar_name: 'Ann_Therapist_public', session_id: 'conversation' },
    },
  ]);
  const [month] = await bodyOf('GET /api/v1/usage/summary', 'mia');
  expect(month).toMatchObject({ calls: 1, errors: 0, seconds: '2700.000', cost: '22.500000' });
});

test('80 % warns, and the dashboard hears it once', async () => {
  await start('mia', 'heygen-2');
  await end('mia', 'heygen-2', { duration_seconds: 180 });
  expect(await bodyOf('GET /api/v1/usage/can-create-session', 'mia')).toEqual({
    can_create: true,
    reason: 'ok',
    warnings: ['warning: 80% of avatar minutes used'],
  });
  expect(await back.its.rows(`select threshold, message from quota.alerts('mia')`)).toEqual([
    { threshold: 80, message: '80 % of your avatar time is used up' },
  ]);
});

test('when the month is used up there is no token, a start is 429, and the static avatar takes over', async () => {
  await start('mia', 'heygen-3');
  expect((await end('mia', 'heygen-3', { duration_seconds: 720 })).body).toMatchObject({
    switch_to_static: true,
  });
  expect((await ask('POST /api/v1/tokens/create', 'mia', {})).body).toEqual({
    success: false,
    message: expect.stringMatching(
      /^The avatar minutes of the plan ".+" are used up until \d{4}-\d\d-01 00:00 UTC\.$/,
    ),
    use_static: true,
  });
  expect(await start('mia', 'heygen-4')).toMatchObject({ status: 429, body: { success: false } });
});

test('sessions that cost more than the price of the plan reach its $50 first', async () => {
  await back.its.row(
    `select quota.record('noa', 'avatar', 'noa-1', 600, p_cost => 50, p_started_at => now())`,
  );
  expect(await bodyOf('GET /api/v1/usage/can-create-session', 'noa')).toMatchObject({
    can_create: false,
    reason: 'cost_limit_exceeded',
  });
  expect(await bodyOf('GET /api/v1/usage/quota', 'noa')).toMatchObject({ spent: '$50.00/$50.00 spent' });
});

test('the first of the next month begins anew, by the job and without it', async () => {
  const next = (await bodyOf('GET /api/v1/usage/quota', 'mia')).resets_at.toISOString();
  const used = async () => (await desk.at(next).json('user', 'show', 'mia')).subscriptions[0].quotas[0].used;
  expect(Number(await used())).toBe(0);
  expect(await desk.at(next).json('jobs', 'reset-months')).toMatchObject({ reset: 2 });
  expect(Number(await used())).toBe(0);
});

test('a session that failed is an error with its words, and what it streamed counts', async () => {
  await start('lea', 'heygen-5');
  await end('lea', 'heygen-5', { duration_seconds: 4, error_message: 'stream lost' });
  expect(await bodyOf('GET /api/v1/usage/history', 'lea')).toMatchObject([
    { status: 'error', error: 'stream lost', seconds: '4.000' },
  ]);
  expect((await bodyOf('GET /api/v1/usage/summary', 'lea'))[0]).toMatchObject({ calls: 1, errors: 1 });
});

test('a back end that dies between two statements leaves nothing half-told, and one that repeats itself counts once', async () => {
  await start('kim', 'heygen-6');
  await back.its.crashAfter('select quota.end_session($1, $2, 60)', ['kim', 'heygen-6']);
  expect(await bodyOf('GET /api/v1/usage/history', 'kim')).toMatchObject([{ status: 'active' }]);
  for (const recorded of [true, false]) {
    expect((await end('kim', 'heygen-6', { duration_seconds: 61 })).body.recorded).toBe(recorded);
  }
  expect(await bodyOf('GET /api/v1/usage/quota', 'kim')).toMatchObject({
    session_count: 1,
    spent: '$0.51/$50.00 spent',
  });
});

test('a history is paged, and no page shows the session of another', async () => {
  for (let number = 1; number <= 3; number++) {
    await start('joy', `joy-${number}`);
    await end('joy', `joy-${number}`, { duration_seconds: number });
  }
  const first = await ask('GET /api/v1/usage/history', 'joy', { limit: 2 });
  const second = await ask('GET /api/v1/usage/history', 'joy', {
    limit: 2,
    before: first.body[1].call_log_id,
  });
  const keys = (rows: { key: string }[]) => rows.map(({ key }) => key);
  expect([keys(first.body), keys(second.body)]).toEqual([['joy-3', 'joy-2'], ['joy-1']]);
  expect(await ask('GET /api/v1/usage/history', 'lea', { before: first.body[1].call_log_id })).toMatchObject({
    status: 422,
    body: { code: 'QT003' },
  });
});

test('without a token nobody is answered, and nobody ends the session of another', async () => {
  for (const endpoint of back.its.closed()) {
    expect((await ask(endpoint, null)).status, endpoint).toBe(401);
  }
  await start('ida', 'heygen-7');
  expect(await end('joy', 'heygen-7', { duration_seconds: 1 })).toMatchObject({ status: 422 });
  expect(await start('joy', 'heygen-7')).toMatchObject({ status: 422 });
  expect(await end('ida', 'heygen-7', { duration_seconds: -1 })).toMatchObject({ status: 422 });
  expect((await ask('GET /api/v1/nothing', 'ida')).status).toBe(404);
  expect(await desk.differences()).toEqual([]);
});
