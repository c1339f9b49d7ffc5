import { expect, test } from 'vitest';
import { startRedis } from '../cache/redis-server.ts';
import { useDeskPerTest } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now });
const app = (sql: string) => desk.queryAt(now, sql);

async function adopt(product: string): Promise<void> {
  await app(productTables(product, 9));
  await desk.json('adopt', 'attach', product, '--yes');
  await desk.json('adopt', 'backfill', product, '--yes');
  await desk.json('adopt', 'authority', product, 'quota', '--yes');
}

test('the app reads our figures, and its "+1" cannot drift', async () => {
  await adopt('chat');
  const read = async () =>
    (
      await desk.query(`select total_messages as total, premium_messages as premium from user_usage
      where user_id = 'user_1' and month = '2026-11'`)
    )[0];
  const before = await read();
  expect(before?.total).toBeGreaterThan(0);
  // The app logs a message and counts it by itself, in one transaction or in two.
  const write = [
    `insert into message_logs (user_id, model, created_at) values ('user_1', 'claude-3-opus', '2026-11-20 11:59+00')`,
    `update user_usage set total_messages = total_messages + 1, premium_messages = premium_messages + 1
     where user_id = 'user_1' and month = '2026-11'`,
  ];
  await app(`begin; ${write.join(';')}; commit`);
  expect(await read()).toEqual({ total: before?.total + 1, premium: before?.premium + 1 });
  await app(write[0] ?? '');
  await app(write[1] ?? '');
  expect(await read()).toEqual({ total: before?.total + 2, premium: before?.premium + 2 });

  // A grant holds where the limit stands in the app's code, and so does a reset.
  await desk.json('user', 'grant', 'user_1', 'messages', '30', '--reason', 'goodwill', '--yes');
  expect(await read()).toMatchObject({ total: before?.total + 2 - 30 });
  await desk.json('user', 'reset', 'user_1', '--service', 'chat', '--reason', 'goodwill', '--yes');
  expect(await read()).toMatchObject({ premium: 0 });

  await desk.json('adopt', 'authority', 'chat', 'app', '--yes');
  await app(`update user_usage set total_messages = 77 where user_id = 'user_1' and month = '2026-11'`);
  expect(await read()).toMatchObject({ total: 77, premium: 0 });
});

test("the app's Redis follows while quota decides, and is the app's again after", async () => {
  const redis = await startRedis();
  try {
    const key = 'usage:user_1:2026-11';
    const own = desk.with({ asOf: now, env: { REDIS_URL: redis.url } });
    // Periods are over by the clock of the machine: Redis would drop them at once.
    const read = () => redis.use((r) => r.hgetall(key));
    await adopt('chat');
    expect((await desk.json('adopt', 'status', 'chat'))[0].redis).toMatchObject([
      { meter: 'messages', key: 'usage:{user}:{YYYY-MM}', field: 'total', value: '100 - remaining' },
      { meter: 'premium_messages', field: 'premium' },
    ]);
    await own.json('jobs', 'sync-cache');
    const [row] = await desk.query(`select total_messages as total, premium_messages as premium
      from user_usage where user_id = 'user_1' and month = '2026-11'`);
    const { total, premium } = row ?? {};
    expect(await read()).toEqual({ total: `${total}`, premium: `${premium}` });
    await redis.use((r) => r.hincrby(key, 'total', 5));
    expect((await own.answer('doctor', '--cache')).data).toMatchObject({ wrong: 1, orphaned: 0 });
    await own.json('user', 'grant', 'user_1', 'messages', '30', '--reason', 'goodwill', '--yes');
    expect(await read()).toEqual({ total: `${total - 30}`, premium: `${premium}` });

    await own.json('adopt', 'authority', 'chat', 'app', '--yes');
    await own.json('user', 'grant', 'user_1', 'messages', '30', '--reason', 'goodwill', '--yes');
    expect(await read()).toEqual({ total: `${total - 30}`, premium: `${premium}` });
    expect((await desk.json('adopt', 'status', 'chat'))[0].redis).toEqual([]);
    expect(await desk.query('select from quota.cache_templates')).toEqual([]);
  } finally {
    await redis.stop();
  }
});

test('exhaustion and enforcement are read where old code looks for them', async () => {
  await adopt('voice-matrix');
  await app(`insert into call_logs (user_id, vapi_call_id, status, started_at, ended_at)
    select id, 'long-' || id, 'ended', '2026-11-20 11:00+00', '2026-11-20 11:30+00' from profiles where email = 'v3@example.com'`);
  expect(await desk.query(`select email from profiles where limit_enforced_at is not null`)).toEqual([
    { email: 'v3@example.com' },
  ]);
  await desk.json(
    'user',
    'reset',
    'v3@example.com',
    '--service',
    'voice',
    '--reason',
    'goodwill',
    '--yes',
    '--no-sync',
  );
  expect(await desk.query(`select email from profiles where limit_enforced_at is not null`)).toEqual([]);
  expect(await desk.query('select * from quota.adopt_dead')).toEqual([]);
});

test('a column that cannot follow keeps neither the app nor the count back, and is shown', async () => {
  await adopt('avatar-lifetime');
  await desk.query('alter table usage_quotas rename column session_count to sessions');
  await app(`insert into avatar_usage_records (user_id, avatar_session_id, session_started_at, session_ended_at, duration_seconds, status)
    select id, 'live-' || id, '2026-11-20 11:50', '2026-11-20 11:51', 60, 'completed' from users`);
  await app('update usage_quotas set used_seconds = used_seconds + 60');
  const [state] = await desk.json('adopt', 'status', 'avatar-lifetime');
  expect(state.mirrors).toEqual([
    {
      relation: 'public.usage_quotas',
      meter: 'avatar_seconds',
      error: expect.stringContaining('session_count'),
    },
  ]);
  expect(await desk.query(`select from quota.call_logs where provider_call_id like 'live-%'`)).toHaveLength(
    9,
  );
  expect(await desk.json('adopt', 'detach', 'avatar-lifetime', '--yes')).toMatchObject({
    removed: expect.any(Array),
  });
  expect(await desk.query(`select from pg_trigger where tgname like 'zz_quota%'`)).toEqual([]);
});

test('a column of the primary key cannot follow', async () => {
  await app(productTables('chat', 9));
  const { mapping } = await desk.json('adopt', 'preset', 'chat');
  const file = desk.write(
    'chat.yaml',
    mapping.replace('total_messages: 100 - q.remaining', 'month: q.used, nowhere: q.usd'),
  );
  const { error } = await desk.json(65, 'adopt', 'check', file);
  expect(error.problems.map(({ message }: { message: string }) => message)).toEqual([
    'month is of the primary key: it tells rows apart, and cannot follow',
    expect.stringContaining('there is no column "nowhere"'),
  ]);
});

test('counters in Redis are checked with the mapping, and against those that meters have', async () => {
  await app(productTables('chat', 9));
  const { mapping } = await desk.json('adopt', 'preset', 'chat');
  const check = async (from: string, to: string) => {
    const file = desk.write('chat.yaml', mapping.replace(from, to));
    return (await desk.json(65, 'adopt', 'check', file)).error.problems;
  };
  expect(await check('field: premium', 'field: total')).toMatchObject([
    { message: 'the field total of usage:{user}:{YYYY-MM} is that of messages already' },
  ]);
  expect(await check('- { meter: premium_messages, key', '- { meter: premium, kye')).toMatchObject([
    { message: expect.stringContaining('needs a "key"') },
    { message: expect.stringContaining('no such field; known are meter, key') },
  ]);
  expect(await check('- { meter: premium_messages, key', '- { meter: premium, key')).toMatchObject([
    { message: expect.stringContaining('premium') },
  ]);
  const meter = ['key: messages', 'service: chat', 'unit: message'];
  const named = desk.write('named.yaml', [
    ...meter,
    'redis: { key: "usage:{user}:{YYYY-MM}", field: total }',
  ]);
  await desk.json('meter', 'apply', named, '--yes');
  expect(await check('a', 'a')).toMatchObject([{ message: expect.stringContaining('is that of messages') }]);
  await desk.json('meter', 'apply', desk.write('meter.yaml', meter), '--yes');
  await desk.json('adopt', 'attach', 'chat', '--yes');
  await desk.json('adopt', 'backfill', 'chat', '--yes');
  await desk.json('adopt', 'authority', 'chat', 'quota', '--yes');
  expect((await desk.json(5, 'meter', 'apply', named, '--yes')).error.message).toBe(
    'an adopted product has this name in Redis',
  );
});
