import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const asOf = '2026-10-15T12:00:00Z';
/** 2026-10-01, where the calendar month of chat-free begins. */
const october = Date.parse('2026-10-01T00:00:00Z') / 1000;
const messages = `quota:usage:ada:messages:${october}`;

describe('the counter cache of an app', () => {
  const desk = useDesk({ asOf });
  let redis: RedisServer;
  let ada: string;

  beforeAll(async () => {
    redis = await startRedis();
    ada = await desk.addUser({ externalId: 'ada', createdAt: '2026-09-01T00:00:00Z' });
    await chat(30);
    await run('jobs', 'sync-cache');
  });
  afterAll(() => redis?.stop());
  beforeEach(() => redis.use((r) => r.flushall()));

  const chat = (times: number) =>
    desk.addCalls({ userId: ada, at: asOf, service: 'chat', model: 'gemini-2.0-flash', times });
  const get = (key: string) => redis.use((r) => r.get(key));
  const set = (key: string, value: string) => redis.use((r) => r.set(key, value));
  const cached = (at = asOf, url = redis.url) => desk.with({ asOf: at, env: { REDIS_URL: url } });
  const run = (...args: string[]) => cached().run(...args, '--quiet');
  const outbox = () => desk.query('select 1 from quota.cache_outbox');

  test('calls leave the counter to the app, which counts them itself', async () => {
    await set(messages, '30');
    await chat(1);
    await run('jobs', 'sync-cache');
    expect(await get(messages)).toBe('30');
    expect(await outbox()).toEqual([]);
  });

  test('a reset, a grant and a change of plan take the counter out, and no other', async () => {
    const changes = [
      ['user', 'reset', 'ada', '--service', 'chat', '--reason', 'goodwill', '--yes'],
      ['user', 'grant', 'ada', 'messages', '10', '--reason', 'goodwill', '--yes'],
      ['user', 'set-plan', 'ada', 'chat-free', '--limit', 'messages=500', '--reason', 'upgrade', '--yes'],
    ];
    await set('quota:usage:eve:messages:1', '5');
    for (const change of changes) {
      await set(messages, '31');
      const { code, stderr } = await run(...change);
      expect({ change, code, stderr }).toEqual({ change, code: 0, stderr: '' });
      expect(await get(messages)).toBeNull();
    }
    expect(await get('quota:usage:eve:messages:1')).toBe('5');
    expect(await outbox()).toEqual([]);
  });

  test('a dry run takes nothing out', async () => {
    await set(messages, '31');
    await run('user', 'grant', 'ada', 'messages', '10', '--reason', 'x', '--dry-run');
    expect(await get(messages)).toBe('31');
  });

  test('the reset of a month takes the counters of the month that is over out', async () => {
    await set(messages, '31');
    await cached('2026-11-01T00:05:00Z').json('jobs', 'reset-months');
    expect(await get(messages)).toBeNull();
  });

  test('a change while Redis is away stands, is told, and heals at the next sync', async () => {
    const november = `quota:usage:ada:messages:${Date.parse('2026-11-01T00:00:00Z') / 1000}`;
    const at = '2026-11-02T00:00:00Z';
    await desk.addCalls({ userId: ada, at: '2026-11-01T12:00:00Z', service: 'chat' });
    await set(november, '1');
    const reset = ['user', 'reset', 'ada', '--service', 'chat', '--reason', 'away', '--yes'];
    const away = await cached(at, 'redis://127.0.0.1:9').run(...reset, '--quiet');
    expect(away.code).toBe(0);
    expect(away.stderr).toContain('quota jobs sync-cache');
    expect(await get(november)).toBe('1');
    const due = await cached(at).json('jobs', 'sync-cache', '--dry-run');
    expect(due).toMatchObject({ due: 1, first: [{ key: november }] });
    await cached(at).json('jobs', 'sync-cache');
    expect(await get(november)).toBeNull();
    expect(await outbox()).toEqual([]);
  });

  test('an unreachable Redis is 69, none at all is 78', async () => {
    expect((await cached(asOf, 'redis://127.0.0.1:9').run('jobs', 'sync-cache')).code).toBe(69);
    expect((await desk.run('jobs', 'sync-cache')).code).toBe(78);
  });

  test('doctor --cache tells wrong and orphaned counters, and --rebuild puts them right', async () => {
    // A year that no machine's clock has passed: Redis drops at once what has expired.
    const at = '2090-10-15T00:00:00Z';
    const messages = `quota:usage:ada:messages:${Date.parse('2090-10-01T00:00:00Z') / 1000}`;
    await desk.addCalls({ userId: ada, at, service: 'chat', times: 7 });
    const doctor = async (...more: string[]) => {
      const { code, data } = await cached(at).answer('doctor', '--cache', ...more);
      return { code, report: data };
    };
    const right = '7';
    await set(messages, `${right}.000`);
    expect(await doctor()).toMatchObject({ code: 0, report: { counters: 1, differences: [] } });
    await set(messages, '9999');
    await set('quota:usage:nobody:at:all:messages:1', '5');
    await set('quota:usage:nonsense', 'x');
    await set('session:of-the-app', 'untouched');
    const found = await doctor();
    expect(found.code).toBe(3);
    expect(found.report).toMatchObject({ counters: 3, wrong: 1, orphaned: 2, rebuilt: 0 });
    expect(found.report.differences).toHaveLength(3);
    expect(found.report.differences).toContainEqual({
      key: messages,
      kind: 'wrong',
      cached: '9999',
      used: right,
      rebuilt: false,
    });
    expect(await get(messages)).toBe('9999');
    expect((await doctor('--rebuild')).code).toBe(0);
    expect(await get(messages)).toBe(right);
    const expires = await redis.use((r) => r.expiretime(messages));
    expect(expires).toBe(Date.parse('2090-11-01T00:00:00Z') / 1000);
    expect(await get('quota:usage:nonsense')).toBeNull();
    expect(await get('session:of-the-app')).toBe('untouched');
    expect(await doctor()).toMatchObject({ code: 0, report: { counters: 1 } });
  });

  test('thousands of counters are looked through page by page', async () => {
    await redis.use((r) =>
      Promise.all(
        Array.from({ length: 5_000 }, (_, n) => r.set(`quota:usage:u${n}:messages:${october}`, '1')),
      ),
    );
    const csv = await run('doctor', '--cache', '--output', 'csv');
    expect(csv.code).toBe(3);
    expect(new Set(csv.stdout.trim().split(/\r?\n/)).size).toBe(5_001);
    const { code, stdout } = await run('doctor', '--cache', '--json', '--rebuild', '--limit', '7');
    expect(code).toBe(0);
    const { differences, ...tally } = JSON.parse(stdout);
    expect(tally).toEqual({ counters: 5_000, wrong: 0, orphaned: 5_000, rebuilt: 5_000 });
    expect(differences).toHaveLength(7);
    expect(await redis.use((r) => r.dbsize())).toBe(0);
  });
});
