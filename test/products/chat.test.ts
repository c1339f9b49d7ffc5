import { beforeAll, expect, test } from 'vitest';
import { useApp } from './app.ts';

const app = useApp('2026-11-10T12:00:00Z');
beforeAll(async () => {
  await app.addUser('cara', '2026-01-31T09:00:00Z', 'America/New_York');
  await app.addUser('dan', '2026-01-31T09:00:00Z');
});

const check = (user: string | null, model: string) =>
  app.call(
    `select allowed, reason, action, meter, remaining, upgrade_to from quota.check($1::text, 'chat', $2)`,
    [user, model],
  );
const send = (user: string, key: string, model: string, status = 'completed') =>
  app.call(
    `select recorded, used, remaining from quota.record($1, 'chat', $2, 1, p_model => $3, p_status => $4)`,
    [user, key, model, status],
  );

test('premium message 21 is refused, others go on; message 101 is refused', async () => {
  for (let n = 1; n <= 20; n++) {
    expect(await check('cara', 'claude-3-opus')).toMatchObject({ allowed: true });
    await send('cara', `p${n}`, 'claude-3-opus');
  }
  expect(await check('cara', 'claude-sonnet-4')).toMatchObject({
    allowed: false,
    reason: 'quota_exceeded',
    action: 'block',
    meter: 'premium_messages',
  });
  expect(await check('cara', 'gemini-2.0-flash')).toMatchObject({
    allowed: true,
    meter: 'messages',
    remaining: '80.000',
  });
  for (let n = 21; n <= 100; n++) {
    await send('cara', `m${n}`, 'gemini-2.0-flash');
  }
  expect(await check('cara', 'gemini-2.0-flash')).toMatchObject({ allowed: false, meter: 'messages' });
});

test('a refusal says which messages are used up, until when, and what would help', async () => {
  await app.addUser('eli', '2026-01-31T09:00:00Z');
  for (let n = 1; n <= 16; n++) {
    await send('eli', `e${n}`, 'claude-3-opus');
  }
  expect(await app.call(`select warnings from quota.check('eli', 'chat', 'claude-3-opus')`)).toEqual({
    warnings: ['warning: 80% of premium messages used'],
  });
  for (let n = 17; n <= 20; n++) {
    await send('eli', `e${n}`, 'claude-3-opus');
  }
  const message = async (model: string) =>
    (await app.call<{ message: string }>(`select message from quota.check('eli', 'chat', $1)`, [model]))
      .message;
  expect(await message('claude-3-opus')).toBe(
    'The premium messages of the plan "Chat Free" are used up until 2026-12-01 00:00 UTC; other models can be used.',
  );
  for (let n = 21; n <= 100; n++) {
    await send('eli', `e${n}`, 'gpt-4o');
  }
  expect(await message('claude-3-opus')).toBe(
    'The messages of the plan "Chat Free" are used up until 2026-12-01 00:00 UTC.',
  );
});

test('100 messages of any model use up the premium ones too', async () => {
  for (let n = 1; n <= 100; n++) {
    await send('dan', `d${n}`, 'gpt-4o');
  }
  expect(await check('dan', 'claude-3-opus')).toMatchObject({ allowed: false, meter: 'messages' });
});

test('a message told twice, or one that failed, does not count', async () => {
  app.at('2026-12-10T12:00:00Z');
  expect(await send('cara', 'x1', 'gpt-4o')).toMatchObject({ recorded: true, used: '1.000' });
  expect(await send('cara', 'x1', 'gpt-4o')).toMatchObject({ recorded: false, used: '1.000' });
  expect(await send('cara', 'x2', 'gpt-4o', 'error')).toMatchObject({ recorded: true, used: '1.000' });
});

test('it begins anew on the first in UTC, wherever the user lives', async () => {
  app.at('2026-11-30T23:59:59Z');
  expect(await check('cara', 'gpt-4o')).toMatchObject({ allowed: false });
  app.at('2026-12-01T00:00:00Z');
  expect(await check('cara', 'gpt-4o')).toMatchObject({ allowed: true });
});

test('who is not signed in has gemini-2.0-flash and nothing else', async () => {
  expect(await check(null, 'gemini-2.0-flash')).toMatchObject({ allowed: true });
  expect(await check(null, 'claude-3-opus')).toMatchObject({
    allowed: false,
    reason: 'sign_in_required',
    upgrade_to: 'chat-free',
  });
});

test('all of it follows from the facts', async () => {
  expect(await app.differences()).toEqual([]);
});
