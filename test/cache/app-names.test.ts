import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

// A year that no machine's clock has passed: Redis drops at once what has expired.
const asOf = '2090-10-15T12:00:00Z';
const later = '2090-10-15T12:00:30Z';
const october = 'usage:ada:2090-10';
const octoberEnds = Date.parse('2090-11-01T00:00:00Z') / 1000;

describe("counters under the app's own names", () => {
  const desk = useDesk({ asOf });
  let redis: RedisServer;
  let ada: string;

  const at = (instant: string) => desk.with({ asOf: instant, env: { REDIS_URL: redis.url } });
  const json = (...args: string[]) => at(later).json(...args);
  const hash = (key: string) => redis.use((r) => r.hgetall(key));
  const chat = (times: number, model = 'gemini-2.0-flash', userId = ada, instant = asOf) =>
    desk.addCalls({ userId, at: instant, service: 'chat', model, times });
  const waiting = () => desk.query('select 1 from quota.cache_outbox');
  const sync = (instant = later) => at(instant).json('jobs', 'sync-cache');
  const doctor = async (...more: string[]) => {
    const { code, data } = await at(later).answer('doctor', '--cache', ...more);
    return { code, report: data };
  };
  const apply = (lines: string[]) =>
    json('meter', 'apply', desk.write('meters.yaml', lines), '--reason', 'our keys', '--yes');
  const hashOf = (field: string, more = '') =>
    `redis: { key: "usage:{user}:{YYYY-MM}", field: ${field}${more} }`;
  const premium =
    '[claude-3.5-sonnet, claude-3-haiku, claude-3-opus, claude-3.7-sonnet, claude-sonnet-4, claude-opus-4]';
  const meters = (more = '') => [
    'meters:',
    `  messages: { service: chat, unit: message, ${hashOf('total', more)} }`,
    `  premium_messages: { service: chat, unit: message, models: ${premium}, ${hashOf('premium', more)} }`,
  ];

  beforeAll(async () => {
    redis = await startRedis();
    ada = await desk.addUser({ externalId: 'ada', createdAt: '2090-09-01T00:00:00Z' });
    await chat(40);
    await chat(2, 'claude-3-opus');
  });
  afterAll(() => redis?.stop());
  beforeEach(() => redis.use((r) => r.flushall()));

  test('naming the keys counts nothing anew, and writes those of everybody', async () => {
    const planned = await json('meter', 'apply', desk.write('meters.yaml', meters()), '--dry-run');
    expect(planned).toMatchObject({ counts: [], meters: [{ action: 'update' }, { action: 'update' }] });
    expect(planned.meters[0].changes).toEqual([
      { path: 'redis', before: null, after: '{"key":"usage:{user}:{YYYY-MM}","field":"total"}' },
    ]);
    expect(await redis.use((r) => r.dbsize())).toBe(0);
    await apply(meters());
    expect(await hash(october)).toEqual({ total: '42', premium: '2' });
    expect(await redis.use((r) => r.expiretime(october))).toBe(octoberEnds);
    expect(await waiting()).toEqual([]);
    const { stdout } = await desk.run('meter', 'show', 'messages');
    expect(stdout).toContain('key: usage:{user}:{YYYY-MM}');
    expect(await apply([...stdout.split('\n')])).toMatchObject({ meters: [{ action: 'unchanged' }] });
    expect((await desk.json('doctor')).ok).toBe(true);
  });

  test('a call is written when its app has counted it; fields of the app stay', async () => {
    await redis.use((r) => r.hset(october, { total: '42', premium: '2', lastReset: 'yesterday' }));
    await chat(1, 'claude-3-opus');
    expect(await sync(asOf)).toMatchObject({ due: 0 });
    await redis.use((r) => r.hincrby(october, 'total', 1));
    await redis.use((r) => r.hincrby(october, 'premium', 1));
    expect(await hash(october)).toMatchObject({ total: '43', premium: '3' });
    expect(await at(later).json('jobs', 'sync-cache', '--dry-run')).toMatchObject({
      due: 2,
      first: [{ key: october }, { key: october }],
    });
    expect(await sync()).toMatchObject({ due: 2, done: 2 });
    expect(await hash(october)).toEqual({ total: '43', premium: '3', lastReset: 'yesterday' });
    expect(await waiting()).toEqual([]);
  });

  test('doctor says where nobody tells Redis', async () => {
    await chat(1, 'claude-3-opus');
    const checks = async (instant: string) => {
      const { checks: found } = await at(instant).json('doctor', '--quiet');
      return found.find(({ check }: { check: string }) => check === 'cache');
    };
    expect(await checks('2090-10-15T12:59:00Z')).toMatchObject({ count: 0 });
    expect(await checks('2090-10-15T13:01:00Z')).toMatchObject({ count: 2, level: 'attention' });
    await sync();
    expect(await checks('2090-10-15T13:01:00Z')).toMatchObject({ count: 0 });
  });

  test('a reset is written at once, and what an app does in SQL by the next sync', async () => {
    await json('user', 'reset', 'ada', '--service', 'chat', '--reason', 'goodwill', '--yes');
    expect(await hash(october)).toEqual({ total: '0', premium: '0' });
    await desk.queryAt(later, `select quota.record('ada', 'chat', 'one', 1, p_model => 'claude-3-opus')`);
    expect(await sync('2090-10-15T12:01:00Z')).toMatchObject({ due: 2, done: 2 });
    expect(await hash(october)).toEqual({ total: '1', premium: '1' });
  });

  test('a key of another type makes way', async () => {
    await redis.use((r) => r.set(october, '17'));
    await json('user', 'grant', 'ada', 'messages', '10', '--reason', 'goodwill', '--yes');
    expect(await hash(october)).toEqual({ total: '1', premium: '1' });
  });

  test('doctor --cache compares field by field, and puts right; keys of nobody are none of ours', async () => {
    await redis.use(async (r) => {
      await r.hset(october, { total: '1.0', premium: '7' });
      await r.hset('usage:ada:2090-09', { total: '3', premium: '0' });
      await r.hset('usage:nobody:2090-10', { total: '3' });
      await r.set('usage:ada:summary', 'of the app');
    });
    const found = await doctor();
    expect(found).toEqual({
      code: 3,
      report: {
        counters: 4,
        wrong: 1,
        orphaned: 1,
        rebuilt: 0,
        differences: expect.arrayContaining([
          { key: october, field: 'premium', kind: 'wrong', cached: '7', used: '1', rebuilt: false },
          {
            key: 'usage:ada:2090-09',
            kind: 'orphaned',
            cached: 'total 3, premium 0',
            used: null,
            rebuilt: false,
          },
        ]),
      },
    });
    expect((await at(later).run('doctor', '--cache')).stdout).toContain(
      `${october} premium: 7 in the cache, 1 by facts`,
    );
    expect((await doctor('--rebuild')).code).toBe(0);
    expect(await hash(october)).toEqual({ total: '1', premium: '1' });
    expect(await redis.use((r) => r.expiretime(october))).toBe(octoberEnds);
    expect(await hash('usage:ada:2090-09')).toEqual({});
    expect(await hash('usage:nobody:2090-10')).toEqual({ total: '3' });
    await redis.use((r) => r.set(october, 'seventeen'));
    expect((await doctor()).report.differences).toMatchObject([{ key: october, cached: 'no hash' }]);
    expect((await doctor('--rebuild')).code).toBe(0);
    expect(await doctor()).toMatchObject({ code: 0, report: { counters: 2, differences: [] } });
  });

  test('plain strings, deleted on every change; a limit in the code of an app obeys grants', async () => {
    await apply([
      'meters:',
      '  messages: { service: chat, unit: message, redis: { key: "{{chat}}/{meter}/{user}", value: 100 - remaining } }',
      `  premium_messages: { service: chat, unit: message, models: ${premium}, redis: { key: "premium:{user}:{start}", on_change: delete } }`,
    ]);
    const started = `premium:ada:${Date.parse('2090-10-01T00:00:00Z') / 1000}`;
    const total = '{chat}/messages/ada';
    // The grant of 10 above.
    expect(await redis.use((r) => r.get(total))).toBe('-9');
    await redis.use((r) => r.set(started, '5'));
    expect((await doctor()).report.differences).toMatchObject([{ key: started, cached: '5', used: '1' }]);
    await json('user', 'reset', 'ada', '--service', 'chat', '--reason', 'goodwill', '--yes');
    expect(await redis.use((r) => r.get(started))).toBeNull();
    expect(await redis.use((r) => r.get(total))).toBe('-10');
    // A name without a date goes on with the next period.
    await at('2090-11-01T00:05:00Z').json('jobs', 'reset-months');
    await chat(3, 'gemini-2.0-flash', ada, '2090-11-01T00:06:00Z');
    await sync('2090-11-01T00:07:00Z');
    expect(await redis.use((r) => r.get(total))).toBe('-7');
    expect(await redis.use((r) => r.expiretime(total))).toBe(Date.parse('2090-12-01T00:00:00Z') / 1000);
  });

  test('an erased user leaves no key', async () => {
    const eve = await desk.addUser({ externalId: 'eve:1', createdAt: '2090-09-01T00:00:00Z' });
    await chat(3, 'gemini-2.0-flash', eve);
    await sync();
    expect(await redis.use((r) => r.get('{chat}/messages/eve:1'))).toBe('3');
    await json('user', 'erase', 'eve:1', '--reason', 'asked for', '--confirm', 'eve:1');
    expect(await redis.use((r) => r.keys('*eve*'))).toEqual([]);
    expect(await sync()).toMatchObject({ due: 0 });
    expect(await redis.use((r) => r.keys('{chat}*'))).toEqual([]);
  });

  test('a meter that is not kept any more leaves its keys to expire', async () => {
    await apply(meters().map((line) => line.replace(/, redis: .*$/, ' }')));
    await redis.use((r) => r.set('{chat}/messages/ada', '5'));
    await chat(1);
    expect(await waiting()).toEqual([]);
    expect(await doctor()).toMatchObject({ code: 0, report: { counters: 0 } });
  });

  test('a file is refused as a whole, each fault with its line', async () => {
    const file = desk.write('bad.yaml', [
      'meters:',
      '  messages: { service: chat, unit: message, redis: { key: "usage:{user}:{month}", field: total } }',
      '  premium_messages: { service: chat, unit: message, redis: { key: "usage:{YYYY-MM}", value: 20 - used } }',
      `  a: { service: chat, unit: message, redis: { key: "{user}${'x'.repeat(300)}", on_change: ignore } }`,
      '  b: { service: chat, unit: message, redis: { key: "quota:usage:{user}" } }',
      '  c: { service: chat, unit: message, redis: { key: "{user}{start}", ttl: 5 } }',
      `  d: { service: chat, unit: message, redis: { key: "d:{user}}", field: "${'f'.repeat(200)}" } }`,
      '  e: { service: chat, unit: message, redis: "usage:{user}" }',
    ]);
    const { error } = await desk.json(65, 'meter', 'apply', file, '--dry-run');
    const told = error.problems.map(({ line, message }: { line: number; message: string }) => [
      line,
      message,
    ]);
    expect(told).toEqual([
      [2, expect.stringContaining('no placeholder {month}')],
      [3, expect.stringContaining('{user} in it, once')],
      [3, expect.stringContaining('like "100 - remaining"')],
      [4, expect.stringContaining('1 to 200 characters, not 306')],
      [4, expect.stringContaining('must be one of write, delete')],
      [5, expect.stringContaining("quota's own names")],
      [6, expect.stringContaining('tells them apart')],
      [6, expect.stringContaining('no such field; known are key, field, value, on_change')],
      [7, expect.stringContaining('placeholder }')],
      [7, expect.stringContaining('of 1 to 100 characters')],
      [8, expect.stringContaining('"key" and, of a hash, "field"')],
    ]);
  });

  test('two meters in one place are refused', async () => {
    const twins = (first: string, second: string) =>
      desk.write('twins.yaml', [
        'meters:',
        `  messages: { service: chat, unit: message, redis: { key: "u:{user}", ${first} } }`,
        `  premium_messages: { service: chat, unit: message, redis: { key: "u:{user}", ${second} } }`,
      ]);
    const problem = async (...fields: [string, string]) =>
      (await desk.json(65, 'meter', 'apply', twins(...fields), '--dry-run')).error.problems[0].message;
    expect(await problem('field: total', 'field: total')).toBe(
      'the field total of u:{user} is that of messages already',
    );
    expect(await problem('value: used', 'value: used')).toBe('the key u:{user} is that of messages already');
    expect(await problem('field: total', 'value: used')).toContain('a hash for one');
    expect(await problem('field: total', 'field: premium, on_change: delete')).toContain(
      'is written for one',
    );
    await apply(['key: messages', 'service: chat', 'unit: message', 'redis: { key: "u:{user}" }']);
    const alone = ['key: premium_messages', 'service: chat', 'unit: message', 'redis: { key: "u:{user}" }'];
    const { error } = await desk.json(65, 'meter', 'apply', desk.write('alone.yaml', alone), '--dry-run');
    expect(error.problems[0].message).toBe('the key u:{user} is that of messages already');
  });
});
