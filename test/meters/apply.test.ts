import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-11-15T12:00:00Z' });
let ada: string;
let bob: string;

beforeAll(async () => {
  ada = await desk.addUser({ externalId: 'ada' });
  bob = await desk.addUser({ externalId: 'bob' });
  const chat = (userId: string, at: string, model: string, times: number) =>
    desk.addCalls({ userId, at, service: 'chat', model, times });
  await chat(ada, '2026-10-10T10:00:00Z', 'gpt-5-turbo', 7);
  await chat(ada, '2026-11-10T10:00:00Z', 'claude-opus-4', 11);
  await chat(ada, '2026-11-11T10:00:00Z', 'gpt-5-turbo', 9);
  await chat(bob, '2026-11-11T10:00:00Z', 'gpt-5', 3);
});

const why = ['--reason', 'new premium models', '--yes'];
const file = (text: string) => desk.write(`meters-${crypto.randomUUID()}.yaml`, [text]);
const premium = (models: string) =>
  file(`meters:\n  premium_messages: { service: chat, unit: message, models: ${models} }`);
const used = async (user: string, meter: string) => {
  const { subscriptions } = await desk.json('user', 'show', user);
  return subscriptions
    .flatMap(({ quotas }: { quotas: { meter: string; used: string }[] }) => quotas)
    .find((quota: { meter: string }) => quota.meter === meter)?.used;
};

test('every built-in meter is listed with its plans, and shown as a file that changes nothing', async () => {
  const meters = await desk.json('meter', 'list');
  expect(meters.map(({ key }: { key: string }) => key)).toEqual([
    'avatar_seconds',
    'messages',
    'premium_messages',
    'transcription_seconds',
    'voice_seconds',
  ]);
  expect(meters[2]).toMatchObject({ unit: 'message', plans: ['chat-free'], isLive: false, rounding: null });
  for (const { key } of meters) {
    const { stdout } = await desk.run('meter', 'show', key);
    const path = file(stdout);
    expect(await desk.json('meter', 'apply', path, '--yes')).toMatchObject({
      meters: [{ key, action: 'unchanged', changes: [] }],
      counts: [],
      auditIds: [],
    });
  }
  expect((await desk.json(4, 'meter', 'show', 'premium')).error.suggestion).toContain('premium_messages');
});

describe('a list of models that grows', () => {
  const models = "['claude-*', 'gpt-5*']";

  test('the dry run says whose running periods count otherwise, and leaves everything as it was', async () => {
    const before = await desk.snapshot();
    const planned = await desk.json('meter', 'apply', premium(models), '--dry-run');
    expect(planned).toMatchObject({
      dryRun: true,
      meters: [{ key: 'premium_messages', action: 'update', changes: [{ path: 'models' }] }],
      counts: [
        {
          externalId: 'ada',
          used: { before: '11', after: '20' },
          calls: { before: 11, after: 20 },
          exceeded: { before: false, after: true },
          period: { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' },
        },
        { externalId: 'bob', used: { before: '0', after: '3' }, exceeded: { before: false, after: false } },
      ],
      auditIds: [],
    });
    expect(await desk.snapshot()).toEqual(before);
    const { stdout } = await desk.run('meter', 'apply', premium(models), '--dry-run');
    expect(stdout).toContain('counted anew: 2 running periods of 2 users; 1 used up by it, 0 freed');
    expect(stdout).toContain('ada  premium_messages  11 → 20  used up');
  });

  test('applied, it does just that: running periods count by it, those that are over stay', async () => {
    const { counts: planned } = await desk.json('meter', 'apply', premium(models), '--dry-run');
    const applied = await desk.json('meter', 'apply', premium(models), ...why);
    expect(applied.counts).toEqual(planned);
    expect(await used('ada', 'premium_messages')).toBe('20.000');
    expect(await used('bob', 'premium_messages')).toBe('3.000');
    const [october] = await desk.query(
      `select used::text from quota.usage_quotas
       where user_id = $1 and meter = 'premium_messages' and period_start = '2026-10-01'`,
      [ada],
    );
    expect(october).toBeUndefined();
    expect((await desk.json('doctor')).ok).toBe(true);
    const check = await desk.json('usage', 'check', 'ada', '--service', 'chat', '--model', 'gpt-5-mini');
    expect(check).toMatchObject({ allowed: false, reason: 'quota_exceeded', meter: 'premium_messages' });
    const [row] = await desk.query<{ after: unknown; reason: string }>(
      `select after, quota.audit_reason(a) as reason from quota.audit_log a where action = 'meter.applied'`,
    );
    expect(row).toMatchObject({
      reason: 'new premium models',
      after: { models: ['claude-*', 'gpt-5*'], recounted: { periods: 2, users: 2 } },
    });
    expect((await desk.json('user', 'explain', 'ada', '--service', 'chat')).quotas[1].events).toContainEqual(
      expect.objectContaining({ text: 'the meter premium_messages was changed', why: 'new premium models' }),
    );
  });

  test('what is told late of a month that is over counts there as that month counted', async () => {
    await desk.addCalls({
      userId: ada,
      at: '2026-10-20T10:00:00Z',
      service: 'chat',
      model: 'gpt-5-mini',
      asOf: '2026-11-15T12:00:00Z',
    });
    await desk.addCalls({
      userId: ada,
      at: '2026-10-20T11:00:00Z',
      service: 'chat',
      model: 'claude-opus-4',
      asOf: '2026-11-15T12:00:00Z',
    });
    const rows = await desk.query(
      `select meter, used::float8 from quota.usage_quotas
       where user_id = $1 and period_start = '2026-10-01' order by meter`,
      [ada],
    );
    expect(rows).toEqual([
      { meter: 'messages', used: 9 },
      { meter: 'premium_messages', used: 1 },
    ]);
    expect((await desk.json('doctor')).ok).toBe(true);
  });

  test('taken back, whoever was blocked by it is free', async () => {
    const { counts } = await desk.json('meter', 'apply', premium('[claude-opus-4]'), ...why);
    expect(counts).toMatchObject([
      { externalId: 'ada', used: { before: '20', after: '11' }, exceeded: { before: true, after: false } },
      { externalId: 'bob', used: { before: '3', after: '0' } },
    ]);
    const check = await desk.json('usage', 'check', 'ada', '--service', 'chat', '--model', 'claude-opus-4');
    expect(check).toMatchObject({ allowed: true, remaining: '9.000' });
    expect((await desk.json('doctor')).ok).toBe(true);
  });
});

test('a new service is a file of meters and plans, applied in one go', async () => {
  const path = file(`
meters:
  llm_tokens: { service: llm, unit: token }
  gpt_tokens: { service: llm, unit: token, models: ['gpt-4*'] }
plans:
  llm-free:
    service: llm
    default: true
    features: { streaming: true, context: 128000, region: eu }
    limits:
      llm_tokens: { limit: 100000, unit_price: 2.5, reset_every: 1 month, reset_anchor: calendar }
      gpt_tokens: { limit: 20000, reset_every: 1 month, reset_anchor: calendar }`);
  const planned = await desk.json('plan', 'apply', path, '--dry-run');
  expect(planned).toMatchObject({
    meters: [{ action: 'create' }, { action: 'create' }],
    plans: [{ key: 'llm-free', action: 'create' }],
  });
  const applied = await desk.json('plan', 'apply', path, ...why);
  expect(applied.auditIds).toHaveLength(3);
  expect(await desk.json('plan', 'apply', path, '--yes')).toMatchObject({ auditIds: [] });
  const plan = await desk.json('plan', 'show', 'llm-free');
  expect(plan.features).toEqual({ streaming: true, context: 128000, region: 'eu' });
  expect((await desk.run('plan', 'show', 'llm-free')).stdout).toContain('context: 128000');
  await desk.queryAt(
    '2026-11-15T12:00:00Z',
    `select quota.record('bob', 'llm', 'k1', 1500, p_model => 'gpt-4o')`,
  );
  expect(await used('bob', 'gpt_tokens')).toBe('1500.000');
  const [answer] = await desk.queryAt<{ meters: unknown; features: unknown; reason: string }>(
    '2026-11-15T12:00:00Z',
    `select * from quota.check('bob', 'llm', 'gpt-4o', 19000)`,
  );
  expect(answer).toMatchObject({
    reason: 'would_exceed',
    features: { streaming: true },
    message: expect.stringContaining('18500 gpt tokens'),
    meters: [
      { meter: 'gpt_tokens', unit: 'token', used: '1500', limit: '20000', remaining: '18500', cost: '0' },
      { meter: 'llm_tokens', used: '1500', remaining: '98500', cost: '0.00375' },
    ],
  });
});

describe('what cannot be', () => {
  const wrong = async (text: string) => {
    const { error } = await desk.json(65, 'meter', 'apply', file(text), '--yes');
    return error.problems ?? error.detail;
  };

  test.each([
    ['meters:\n  x: { unit: token }', 'needs a "service"'],
    [
      'meters:\n  x: { service: llm2, unit: pound }',
      'must be one of second, message, request, byte, token, credit',
    ],
    ['meters:\n  x: { service: llm2, unit: token, rounding: 0.5 }', 'is not a whole number of tokens'],
    ['meters:\n  x: { service: llm2, unit: token, rounding: 0 }', 'is a step of more than nothing'],
    [
      'meters:\n  x: { service: llm2, unit: token, credit_seconds: 60 }',
      'belongs to meters in credits, not in tokens',
    ],
    ['meters:\n  x: { service: llm2, unit: token, is_live: true }', 'belongs to meters that count time'],
    ['meters:\n  X-1: { service: llm2, unit: token }', 'must be a key'],
    ['meters:\n  x: { service: llm2, unit: token, colour: red }', 'there is no such field'],
    ['meters:\n  messages: { service: chat, unit: token }', 'says how messages are told'],
    ['meters:\n  premium_messages: { service: chat, unit: request }', 'another unit is another meter'],
    ['meters:\n  premium_messages: { service: voice, unit: message }', 'is a meter of chat and stays one'],
    [
      'meters:\n  chat_seconds: { service: chat, unit: second }',
      'calls of chat are told in messages, and would be in seconds',
    ],
    ['plans:\n  x: { service: chat }', 'must have "meters"'],
    ['meters:\n  x: { service: llm2, unit: token }\nplans: {}', 'quota plan apply takes both'],
    ['meters: {}', 'must be meters by key'],
    ['meters: 7', 'must be meters by key'],
  ])('%s', async (text, problem) => {
    const before = await desk.snapshot();
    expect(JSON.stringify(await wrong(text))).toContain(JSON.stringify(problem).slice(1, -1));
    expect(await desk.snapshot()).toEqual(before);
  });

  test('features have names, and values that are true, false, a number or a text', async () => {
    const plan = (features: string) => file(`key: chat-x\nservice: chat\nfeatures: ${features}`);
    for (const [features, problem] of [
      ['[a]', 'must be features by name'],
      ['{ "A B": true }', 'the name of a feature is of a-z'],
      ['{ a: [1] }', 'a must be true, false, a number or a text'],
      ['{ a: 1e300 }', 'a must be true, false, a number or a text'],
    ] as const) {
      const { error } = await desk.json(65, 'plan', 'apply', plan(features), '--yes');
      expect(error.detail).toContain(problem);
    }
  });
});
