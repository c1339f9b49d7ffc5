import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { usePlanFiles } from './plan-file.ts';

const desk = useDesk();
const planFile = usePlanFiles();

beforeAll(async () => {
  const ada = await desk.addUser({ externalId: 'ada', createdAt: '2026-09-10T12:00:00Z' });
  const bob = await desk.addUser({ externalId: 'bob', createdAt: '2026-09-20T12:00:00Z' });
  const voice = (userId: string, at: string, seconds: string, cost: string | null = null) =>
    desk.addCalls({ userId, at, seconds, cost });
  // Ada's periods begin on the 10th.
  await voice(ada, '2026-10-08T10:00:00Z', '290', '0.29');
  await voice(ada, '2026-10-09T10:00:00Z', '20', '0.02');
  await voice(ada, '2026-10-09T11:00:00Z', '30', '0.03');
  await voice(ada, '2026-10-10T00:00:00Z', '299.999', '0.30');
  await voice(ada, '2026-10-11T00:00:00Z', '0.001', '0.0000001');
  await voice(ada, '2026-10-12T00:00:00Z', '60', '0.123456789');
  await voice(ada, '2026-11-01T00:00:00Z', '60', '5');
  await voice(bob, '2026-10-25T00:00:00Z', '100', '0.10');
  const chat = { userId: bob, service: 'chat' };
  for (let day = 1; day <= 5; day += 1) {
    await desk.addCalls({ ...chat, at: `2026-10-0${day}T10:00:00Z`, model: 'claude-3-opus' });
    await desk.addCalls({ ...chat, at: `2026-10-0${day}T11:00:00Z`, model: 'gpt-4o' });
  }
});

const run = (args: string[]) => desk.run('plan', 'simulate', ...args);

const october = ['--from', '2026-10-01', '--to', '2026-11-01'];
const voicePlan = (limits: string) =>
  planFile(`key: voice-free
service: voice
default: true
limits: {voice_seconds: ${limits}}`);

const simulate = (file: string, ...more: string[]) =>
  desk.json('plan', 'simulate', file, ...october, ...more);

test('who would have been blocked, when, and what it had saved; the database stays as it is', async () => {
  const rows = () =>
    desk.query(`select (select json_agg(q order by q.user_id, q.meter, q.period_start) from quota.usage_quotas q) as quotas,
         (select json_agg(l order by l.plan, l.meter) from quota.plan_limits l) as limits,
         (select count(*) from quota.audit_log) as audit, (select count(*) from quota.plan_versions) as versions`);
  const before = await rows();
  const result = await simulate(voicePlan('{limit: 5m, reset_every: 1 month}'));
  expect(result).toMatchObject({
    plans: ['voice-free'],
    actual: { users: 2, calls: 7, cost: '0.863456889' },
    avoided: { users: 1, calls: 2, cost: '0.153456789' },
  });
  const common = {
    externalId: 'ada',
    service: 'voice',
    plan: 'voice-free',
    meter: 'voice_seconds',
    limit: '300',
  };
  expect(result.blocks).toMatchObject([
    {
      ...common,
      period: { start: '2026-10-10T00:00:00.000Z', end: '2026-11-10T00:00:00.000Z' },
      reachedAt: '2026-10-11T00:00:00.000Z',
      blockedAt: '2026-10-12T00:00:00.000Z',
      calls: 1,
      quantity: '60',
      cost: '0.123456789',
    },
    {
      ...common,
      period: { start: '2026-09-10T00:00:00.000Z', end: '2026-10-10T00:00:00.000Z' },
      reachedAt: '2026-10-09T10:00:00.000Z',
      blockedAt: '2026-10-09T11:00:00.000Z',
      calls: 1,
      quantity: '30',
      cost: '0.03',
    },
  ]);
  expect(await rows()).toEqual(before);
});

test('usage before the time counts, refusals before it do not', async () => {
  const { code, stdout } = await run([
    ...[voicePlan('{limit: 5m}'), '--from', '2026-10-12', '--to', '2026-11-02', '--json'],
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    actual: { calls: 3 },
    avoided: { calls: 2, cost: '5.123456789' },
    blocks: [{ period: { start: null, end: null }, blockedAt: '2026-10-12T00:00:00.000Z' }],
  });
});

test('a cost limit, and calls without a cost at the price of the plan', async () => {
  const cost = await simulate(voicePlan('{cost_limit: 0.31, reset_every: 1 month}'));
  expect(cost.blocks).toMatchObject([{ meter: 'voice_seconds', cost: '0.03', costLimit: '0.31' }]);
  expect(await simulate(voicePlan('{reset_every: 1 month}'))).toMatchObject({
    avoided: { calls: 0 },
    blocks: [],
  });
});

test('a premium message that is refused does not count in the total', async () => {
  const file = planFile(`key: chat-free
service: chat
default: true
timezone: UTC
limits:
  messages: {limit: 6, reset_every: 1 month, reset_anchor: calendar, unit_price: 0.01}
  premium_messages: {limit: 2, reset_every: 1 month, reset_anchor: calendar, unit_price: 0.05}`);
  const result = await simulate(file);
  // Premium of the days 3, 4 and 5; then the total has 2 + 4 and refuses the plain message of day 5.
  expect(result.avoided).toEqual({ users: 1, calls: 4, cost: '0.16' });
  expect(
    result.blocks.map(({ meter, calls, blockedAt }: Record<string, unknown>) => [meter, calls, blockedAt]),
  ).toEqual([
    ['premium_messages', 3, '2026-10-03T10:00:00.000Z'],
    ['messages', 1, '2026-10-05T11:00:00.000Z'],
  ]);
});

test('a plan that nobody has, for the users of another', async () => {
  const file = planFile('key: voice-mini\nservice: voice\nlimits: {voice_seconds: {limit: 50}}');
  expect(await simulate(file)).toMatchObject({ actual: { users: 0 }, blocks: [] });
  const result = await simulate(file, '--users-of', 'voice-free');
  expect(result).toMatchObject({ actual: { users: 2, calls: 7 }, avoided: { users: 1, calls: 5 } });
  expect((await run([file, ...october, '--users-of', 'chat-free'])).code).toBe(2);
  expect((await run([file, ...october, '--users-of', 'nobody'])).code).toBe(4);
});

test('bad input: a bad file, no time', async () => {
  expect((await run([planFile('plans: 3'), ...october])).code).toBe(65);
  const file = voicePlan('{limit: 5m}');
  expect((await run([file, '--from', '2026-11-01', '--to', '2026-10-01'])).code).toBe(2);
  expect((await run([file, '--from', '2026-11-01'])).code).toBe(2);
});

test.each(['table', 'csv', 'ndjson'])('as %s', async (format) => {
  const { code, stdout } = await run([
    ...[voicePlan('{limit: 5m, reset_every: 1 month}'), ...october, '--output', format],
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain('0.123456789');
  if (format === 'table') {
    expect(stdout).toContain('1 would have been blocked: 2 calls and a cost of 0.153456789 USD less');
  }
});
