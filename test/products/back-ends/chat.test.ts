import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../../desk/desk.ts';
import { type BackEnd, type Endpoints, ok, refuse, useBackEnd } from './back-end.ts';

/** A hundred messages a month, twenty of them premium: the back end of a chat, with its endpoints. */
const desk = useDesk();

/** What the model does with a message; it may fail. */
const models = { answer: (message: string) => message.toUpperCase() };

const endpoints = (back: BackEnd): Endpoints => ({
  'POST /api/chat': async ({ user, body }) => {
    if (user === '') {
      const { allowed, message } = await back.row('select * from quota.check(null, $1, $2)', [
        'chat',
        body.model,
      ]);
      return allowed ? ok({ text: models.answer(body.message) }) : refuse(403, { error: message });
    }
    // Reserved before, settled after: however many messages are on their way, none is one too many.
    const turn = await back.row(
      `select * from quota.start_session($1, 'chat', $2, p_model => $3, p_estimate => 1)`,
      [user, body.id, body.model],
    );
    if (!turn.allowed) {
      return refuse(429, {
        error: turn.message,
        upgrade: turn.upgrade_to,
        resetsAt: turn.resets_at,
      });
    }
    const settle = (messages: number, status: string, error: string | null) =>
      back.row(
        'select * from quota.end_session($1, $2, null, p_messages => $3, p_status => $4, p_error => $5)',
        [user, body.id, messages, status, error],
      );
    try {
      const text = models.answer(body.message);
      const { remaining } = await settle(1, 'completed', null);
      return ok({ text, remaining: Number(remaining) });
    } catch (error) {
      await settle(0, 'error', String(error));
      return refuse(502, { error: 'the model did not answer' });
    }
  },
  'GET /api/usage': async ({ user }) => {
    const limits = await back.rows('select * from quota.get_user_plan_limits($1, $2)', [user, 'chat']);
    const of = (meter: string) => limits.find((row) => row.meter === meter);
    return ok({
      userId: user,
      totalMessages: Number(of('messages').used),
      premiumMessages: Number(of('premium_messages').used),
      lastReset: of('messages').last_reset,
      canSendMessage: Number(of('messages').remaining) > 0,
      canSendPremiumMessage:
        Number(of('messages').remaining) > 0 && Number(of('premium_messages').remaining) > 0,
      bars: limits.map(({ meter, percent, state }) => [meter, Number(percent), state]),
    });
  },
});
const adminEndpoints = (back: BackEnd): Endpoints => ({
  'DELETE /api/usage': async ({ user, body }) => {
    const rows = await back.rows('select * from quota.reset_usage($1, $2, p_service => $3, p_actor => $4)', [
      body.userId,
      body.reason,
      'chat',
      user,
    ]);
    return ok(
      rows.map(({ meter, used_before: before, used_after: after }) => [meter, Number(before), Number(after)]),
    );
  },
  'POST /api/upgrade': async ({ user, body }) =>
    ok(
      await back.row('select * from quota.set_plan($1, $2, $3, $4)', [
        body.userId,
        body.plan,
        'invoice 7',
        user,
      ]),
    ),
});

const back = useBackEnd(desk, endpoints, { open: ['POST /api/chat'] });
const admin = useBackEnd(desk, adminEndpoints, { role: 'operator' });

beforeAll(async () => {
  const file = desk.write('plans.yaml', [
    'plans:',
    '  chat-pro:',
    '    service: chat',
    '    name: Chat Pro',
    '    limits:',
    '      messages: {limit: 1000, reset_every: 1 month, reset_anchor: calendar}',
    '      premium_messages: {limit: 200, reset_every: 1 month, reset_anchor: calendar}',
  ]);
  await desk.json('plan', 'apply', file, '--reason', 'tiers', '--yes');
  const { stdout } = await desk.run('plan', 'show', 'chat-free');
  await desk.json(
    'plan',
    'apply',
    desk.write('free.yaml', `${stdout}upgrade_to: chat-pro\n`),
    '--reason',
    'tiers',
    '--yes',
  );
});

let sent = 0;
const send = (user: string | null, model: string, message = 'hello', id = `m${++sent}`) =>
  back.its.ask('POST /api/chat', user, { id, model, message });
const many = (count: number, user: string, model: string) =>
  Promise.all(Array.from({ length: count }, () => send(user, model)));
const usage = async (user: string) => (await back.its.ask('GET /api/usage', user)).body;

test('a new user sees nothing used; premium message 21 and message 101 are 429 with a way up', async () => {
  expect(await usage('cara')).toEqual({
    userId: 'cara',
    totalMessages: 0,
    premiumMessages: 0,
    lastReset: expect.any(Date),
    canSendMessage: true,
    canSendPremiumMessage: true,
    bars: [
      ['messages', 0, 'ok'],
      ['premium_messages', 0, 'ok'],
    ],
  });
  expect(await send('cara', 'claude-3.7-sonnet')).toEqual({
    status: 200,
    body: { text: 'HELLO', remaining: 19 },
  });
  await many(19, 'cara', 'claude-opus-4');
  expect(await send('cara', 'claude-3-haiku')).toEqual({
    status: 429,
    body: {
      error: expect.stringMatching(
        /^The premium messages of the plan "Chat Free" are used up until .* UTC; other models can be used\. Upgrade to Chat Pro for more\.$/,
      ),
      upgrade: 'chat-pro',
      resetsAt: expect.any(Date),
    },
  });
  expect(await usage('cara')).toMatchObject({ canSendMessage: true, canSendPremiumMessage: false });
  await many(79, 'cara', 'gemini-2.0-flash');
  const statuses = (await many(9, 'cara', 'gemini-2.0-flash')).map(({ status }) => status).sort();
  expect(statuses).toEqual([200, 429, 429, 429, 429, 429, 429, 429, 429]);
  expect(await usage('cara')).toMatchObject({
    totalMessages: 100,
    premiumMessages: 20,
    canSendMessage: false,
    canSendPremiumMessage: false,
    bars: [
      ['messages', 100, 'exceeded'],
      ['premium_messages', 100, 'exceeded'],
    ],
  });
});

test('what was refused is counted, and the analytics show days, messages, premium and active users', async () => {
  await desk.json('jobs', 'roll-up-analytics');
  const today = new Date().toISOString().slice(0, 10);
  expect(await desk.json('usage', 'analytics', '--from', today)).toMatchObject({
    days: [{ day: today, messages: '100', premiumMessages: '20', activeUsers: 1, errors: 0 }],
    rows: [{ key: 'chat', messages: '100' }],
    refusals: { total: 9, rows: [{ plan: 'chat-free', reason: 'quota_exceeded', refused: 9 }] },
  });
  const refusals = await desk.query(
    `select plan, reason, sum(refused)::integer as n from quota.refusals_by_day(current_date - 1, current_date + 1) group by 1, 2`,
  );
  expect(refusals).toEqual([{ plan: 'chat-free', reason: 'quota_exceeded', n: 9 }]);
});

test('a message that the model did not answer is kept and does not count', async () => {
  const { answer } = models;
  models.answer = () => {
    throw new Error('overloaded');
  };
  expect((await send('dan', 'gpt-4o')).status).toBe(502);
  models.answer = answer;
  expect(await usage('dan')).toMatchObject({ totalMessages: 0 });
  expect(await back.its.rows(`select status, error from quota.usage_history('dan')`)).toEqual([
    { status: 'error', error: 'Error: overloaded' },
  ]);
});

test('a server that dies while it streams: the message is taken as sent until its end is told', async () => {
  const id = 'dies';
  await back.its.crashAfter(`select quota.start_session('eli', 'chat', 'never', p_estimate => 1)`, []);
  expect(await back.its.rows(`select key from quota.usage_history('eli')`)).toEqual([]);
  await back.its.row(`select quota.start_session('eli', 'chat', $1, p_model => 'gpt-4o', p_estimate => 1)`, [
    id,
  ]);
  await back.its.restart();
  await desk.at(new Date(Date.now() + 7_200_000).toISOString()).json('jobs', 'reap-stale');
  expect(await usage('eli')).toMatchObject({ totalMessages: 1 });
  await back.its.row(`select quota.end_session('eli', $1, null, p_messages => 0, p_status => 'error')`, [id]);
  expect(await usage('eli')).toMatchObject({ totalMessages: 0 });
});

test('who is not signed in has gemini-2.0-flash, 403 for others, 401 for usage', async () => {
  expect(await send(null, 'gemini-2.0-flash')).toEqual({ status: 200, body: { text: 'HELLO' } });
  expect(await send(null, 'claude-3-opus')).toMatchObject({
    status: 403,
    body: { error: 'Sign in to use this model.' },
  });
  expect((await back.its.ask('GET /api/usage', null)).status).toBe(401);
});

test('an administrator resets the counters and upgrades; a user has neither, and both stand in the audit', async () => {
  expect(
    await admin.its.ask('DELETE /api/usage', 'mia@example.com', { userId: 'cara', reason: 'goodwill' }),
  ).toEqual({
    status: 200,
    body: [
      ['messages', 100, 0],
      ['premium_messages', 20, 0],
    ],
  });
  expect(await usage('cara')).toMatchObject({ totalMessages: 0, canSendPremiumMessage: true });
  expect(
    (await admin.its.ask('POST /api/upgrade', 'mia@example.com', { userId: 'cara', plan: 'chat-pro' })).body,
  ).toMatchObject({ plan_before: 'chat-free', plan: 'chat-pro', changed: true });
  expect((await send('cara', 'claude-3-opus')).body).toEqual({ text: 'HELLO', remaining: 199 });
  await expect(back.its.row(`select quota.reset_usage('cara', 'x')`)).rejects.toMatchObject({
    code: '42501',
  });
  const { entries } = await desk.json('audit', 'log', '--user', 'cara');
  expect(entries.map(({ actor, action }: { actor: string; action: string }) => [actor, action])).toEqual(
    expect.arrayContaining([
      ['mia@example.com', 'usage.reset'],
      ['mia@example.com', expect.stringMatching(/plan/)],
    ]),
  );
});

test('two users share no counter and no message, and the login of the app reads no table', async () => {
  await send('fay', 'gpt-4o', 'hers', 'fay-1');
  expect(await send('gus', 'gpt-4o', 'his', 'fay-1')).toMatchObject({ status: 422, body: { code: 'QT003' } });
  expect(await usage('gus')).toMatchObject({ totalMessages: 0 });
  for (const table of ['users', 'call_logs', 'usage_quotas', 'audit_log']) {
    await expect(back.its.row(`select * from quota.${table}`)).rejects.toMatchObject({ code: '42501' });
  }
  expect(await desk.differences()).toEqual([]);
});
