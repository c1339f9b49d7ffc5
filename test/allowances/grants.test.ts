import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
let userId: string;

beforeAll(async () => {
  userId = await desk.addUser({
    externalId: 'ada',
    createdAt: '2026-09-05T09:00:00Z',
    assistants: ['desk'],
  });
});

const run = (args: string[], at: string) => desk.at(at).run(...args);

async function voice(at: string) {
  const { subscriptions } = await desk.at(at).json('user', 'show', 'ada');
  const [{ limitEnforcedAt, quotas }] = subscriptions;
  const [{ granted, used, remaining, state }] = quotas;
  return { granted, used, remaining, state, limited: limitEnforcedAt !== null };
}

const grants = () =>
  desk.query(
    'select reason, trim_scale(quantity)::text as quantity, trim_scale(consumed)::text as consumed from quota.grants order by id',
  );

async function grant(amount: string, reason: string, at: string, ...more: string[]) {
  await desk
    .at(at)
    .json('user', 'grant', 'ada', 'voice_seconds', amount, '--reason', reason, '--yes', ...more);
}

test('a grant lifts a limit, is used after the allowance, earliest expiry first, and what is left survives resets', async () => {
  await desk.addCalls({ userId, at: '2026-09-10T10:00:00Z', seconds: '650' });
  expect(await voice('2026-09-10T11:00:00Z')).toMatchObject({ state: 'exceeded', limited: true });

  await grant('200', 'stays', '2026-09-11T00:00:00Z');
  await grant('100', 'expires', '2026-09-11T00:00:00Z', '--expires', '2026-12-01');
  expect(await voice('2026-09-11T01:00:00Z')).toEqual({
    granted: '300.000',
    used: '650.000',
    remaining: '250.000',
    state: 'ok',
    limited: false,
  });
  expect(await desk.query('select desired from quota.assistant_limits')).toEqual([{ desired: 'original' }]);

  // 50 beyond the plan's 600: taken from the one that expires first, when the period is closed.
  expect((await run(['jobs', 'reset-anniversaries', '--no-sync'], '2026-10-05T00:10:00Z')).code).toBe(0);
  expect(await grants()).toEqual([
    { reason: 'stays', quantity: '200', consumed: '0' },
    { reason: 'expires', quantity: '100', consumed: '50' },
  ]);
  expect(await voice('2026-10-05T00:20:00Z')).toMatchObject({
    granted: '250.000',
    used: '0.000',
    remaining: '850.000',
  });

  await desk.addCalls({ userId, at: '2026-10-10T10:00:00Z', seconds: '720' });
  expect(await voice('2026-10-10T11:00:00Z')).toMatchObject({ remaining: '130.000', limited: false });
  expect((await run(['jobs', 'reset-anniversaries', '--no-sync'], '2026-11-05T00:10:00Z')).code).toBe(0);
  expect(await grants()).toEqual([
    { reason: 'stays', quantity: '200', consumed: '70' },
    { reason: 'expires', quantity: '100', consumed: '100' },
  ]);
  expect(await voice('2026-11-05T00:20:00Z')).toMatchObject({ granted: '130.000', remaining: '730.000' });

  // A reset that catches up two periods takes nothing for those that were not used.
  expect((await run(['jobs', 'reset-anniversaries', '--no-sync'], '2027-01-05T00:10:00Z')).code).toBe(0);
  expect(await voice('2027-01-05T00:20:00Z')).toMatchObject({ granted: '130.000', remaining: '730.000' });
});

test('what expired unused is gone: it neither adds to other grants nor spares them', async () => {
  const bob = await desk.addUser({ externalId: 'bob', createdAt: '2026-09-05T09:00:00Z' });
  const add = (amount: string, reason: string, ...more: string[]) =>
    run(
      ['user', 'grant', 'bob', 'voice_seconds', amount, '--reason', reason, '--yes', ...more],
      '2026-09-06T00:00:00Z',
    );
  expect((await add('300', 'short', '--expires', '2026-09-10T00:00:00Z')).code).toBe(0);
  expect((await add('100', 'long')).code).toBe(0);
  const remaining = async (at: string) =>
    (await desk.at(at).json('usage', 'check', 'bob', '--service', 'voice')).remaining;

  // 20 beyond the limit before the expiry come from the short one, and its other 280 are lost.
  await desk.addCalls({ userId: bob, at: '2026-09-09T10:00:00Z', seconds: '620' });
  expect(await remaining('2026-09-09T11:00:00Z')).toBe('380.000');
  expect(await remaining('2026-09-10T00:00:00Z')).toBe('100.000');
  await desk.addCalls({ userId: bob, at: '2026-09-12T10:00:00Z', seconds: '60' });
  expect(await remaining('2026-09-12T11:00:00Z')).toBe('40.000');
  expect((await run(['jobs', 'reap-stale'], '2026-09-12T12:00:00Z')).code).toBe(0);
  expect(await remaining('2026-09-12T13:00:00Z')).toBe('40.000');
  await desk.addCalls({ userId: bob, at: '2026-09-13T10:00:00Z', seconds: '45' });
  expect(await remaining('2026-09-13T11:00:00Z')).toBe('0');

  expect((await run(['jobs', 'reset-anniversaries', '--no-sync'], '2026-10-05T00:10:00Z')).code).toBe(0);
  expect((await grants()).slice(2)).toEqual([
    { reason: 'short', quantity: '300', consumed: '20' },
    { reason: 'long', quantity: '100', consumed: '100' },
  ]);
  expect(await remaining('2026-10-05T00:20:00Z')).toBe('600.000');
});

test('an amount is written as its meter counts: a length of time, or whole messages', async () => {
  await desk.addUser({ externalId: 'cleo', createdAt: '2026-09-05T09:00:00Z' });
  const september = desk.at('2026-09-06T00:00:00Z');
  const give = (meter: string, amount: string) =>
    september.run('user', 'grant', 'cleo', meter, amount, '--reason', 'pilot', '--yes', '--json');
  for (const [meter, amount, quantity] of [
    ['voice_seconds', '15m', '900'],
    ['voice_seconds', '1:30', '90'],
    ['messages', '20', '20'],
  ] as const) {
    expect(JSON.parse((await give(meter, amount)).stdout)).toMatchObject({ meter, quantity });
  }
  for (const [meter, amount, words] of [
    ['messages', '15m', '"15m" is not a whole number of messages'],
    ['messages', '0.4', '"0.4" is not a whole number of messages'],
    ['voice_seconds', 'an hour', '"an hour" is not a length of time'],
    ['voice_seconds', '0:00', 'a grant of nothing is no grant'],
  ] as const) {
    const { code, stderr } = await give(meter, amount);
    const message = expect.stringContaining(words);
    expect({ code, message: JSON.parse(stderr).error.message }).toEqual({ code: 2, message });
  }

  const check = (quantity: string) =>
    september.json('usage', 'check', 'cleo', '--service', 'voice', '--quantity', quantity);
  expect(await check('20m')).toMatchObject({ allowed: true });
  expect(await check('30m')).toMatchObject({ reason: 'would_exceed' });
  const record = ['usage', 'record', 'cleo', '--service', 'voice', '--key', 'by-hand', '--reason', 'lost'];
  expect(await september.json(...record, '--quantity', '2m5s', '--yes')).toMatchObject({ used: '125.000' });
});
