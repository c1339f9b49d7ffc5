import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { type RedisCluster, startRedisCluster, untilWhole } from './redis-cluster.ts';

const users = 60;
/** Names of different lengths: of those that differ in a digit or two, slots lie close together. */
const user = (number: number) => `user-${number ** 3}`;

describe('a cache in a cluster of three', () => {
  const desk = useDesk();
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    await desk.addUser({ externalId: 'ada' });
  });
  afterAll(() => cluster?.stop());
  beforeEach(async () => {
    await Promise.all(cluster.nodes.map((node) => node.use((redis) => redis.flushall())));
    await Promise.all(
      Array.from({ length: users }, (_, number) =>
        cluster.use((redis) => redis.set(`quota:usage:${user(number)}:messages:1`, '5')),
      ),
    );
  });

  const nodeSizes = () => Promise.all(cluster.nodes.map((node) => node.use((redis) => redis.dbsize())));
  const run = (args: string[], redisUrl = `redis://127.0.0.1:${cluster.ports[0]}`) =>
    desk.with({ env: { REDIS_URL: redisUrl } }).run(...args, '--quiet');
  const makeOutdated = () =>
    desk.query(
      `insert into quota.cache_outbox (user_id, external_id, meter, period_start)
       select u.id, 'user-' || n * n * n, 'messages', to_timestamp(1) from quota.users u, generate_series(0, $1) n`,
      [users - 1],
    );

  test('the counters of these tests are on every node', async () => {
    expect(Math.min(...(await nodeSizes()))).toBeGreaterThan(0);
  });

  test('sync-cache takes counters out on every node and ends its list', async () => {
    await makeOutdated();
    expect(await run(['jobs', 'sync-cache'])).toMatchObject({ code: 0, stderr: '' });
    expect(await nodeSizes()).toEqual([0, 0, 0]);
    expect(await desk.query('select 1 from quota.cache_outbox')).toEqual([]);
  });

  test('doctor --cache sees the counters of every node, and puts them right there', async () => {
    const found = await run(['doctor', '--cache', '--json']);
    expect(found.code).toBe(3);
    expect(JSON.parse(found.stdout)).toMatchObject({ counters: users, orphaned: users });
    expect((await run(['doctor', '--cache', '--rebuild'])).code).toBe(0);
    expect(await nodeSizes()).toEqual([0, 0, 0]);
  });

  test('of several hosts, the first that answers leads to the others', async () => {
    const hosts = `redis://127.0.0.1:9,127.0.0.1:${cluster.ports[1]}`;
    const { stdout } = await run(['doctor', '--cache', '--json'], hosts);
    expect(JSON.parse(stdout)).toMatchObject({ counters: users });
  });

  test('a database that clusters do not have is refused', async () => {
    const { code, stderr } = await run(['doctor', '--cache'], `redis://127.0.0.1:${cluster.ports[0]}/1`);
    expect({ code, stderr }).toMatchObject({ code: 69, stderr: expect.stringContaining('SELECT') });
  });

  test('slots that no node has are told, whichever node is asked', async () => {
    const last = cluster.nodes[2];
    await last?.use((redis) => redis.call('CLUSTER', 'DELSLOTSRANGE', '10923', '16383'));
    try {
      for (const port of cluster.ports) {
        const { code, stderr } = await run(['doctor', '--cache', '--rebuild'], `redis://127.0.0.1:${port}`);
        expect({ port, code, stderr }).toMatchObject({ code: 69, stderr: expect.stringContaining('slots') });
      }
    } finally {
      await last?.use((redis) => redis.call('CLUSTER', 'ADDSLOTSRANGE', '10923', '16383'));
      await untilWhole(cluster);
    }
  });

  test.each([1, 2])(
    'node %i does not answer: told after a bounded time, and nothing is taken off the list',
    async (place) => {
      await makeOutdated();
      const node = cluster.nodes[place];
      node?.signal('SIGSTOP');
      try {
        const { code, stderr } = await run(['jobs', 'sync-cache']);
        expect({ code, stderr }).toMatchObject({ code: 69, stderr: expect.stringContaining('Redis') });
      } finally {
        node?.signal('SIGCONT');
      }
      const [left] = await desk.query<{ count: number }>(
        'select count(*)::integer as count from quota.cache_outbox',
      );
      expect(left?.count).toBe(users);
      await untilWhole(cluster);
      expect((await run(['jobs', 'sync-cache'])).code).toBe(0);
      expect(await nodeSizes()).toEqual([0, 0, 0]);
    },
  );

  test("keys under the app's own names are written on every node, those of one user in different slots, too", async () => {
    await desk.query(
      `insert into quota.cache_templates (meter, key) values ('messages', 'm:{user}'), ('premium_messages', 'p:{meter}:{user}')`,
    );
    await desk.query(
      `insert into quota.users (external_id) select 'chatter-' || n * n * n from generate_series(1, 20) n`,
    );
    await desk.query(
      `select quota.record(external_id, 'chat', 'c-' || external_id, 2, p_model => 'claude-3-opus')
       from quota.users where external_id like 'chatter-%'`,
    );
    await desk.query('update quota.cache_outbox set due_at = quota.now() where due_at is not null');
    expect(await run(['jobs', 'sync-cache', '--batch-size', '7'])).toMatchObject({ code: 0, stderr: '' });
    const sizes = await Promise.all(
      cluster.nodes.map((node) => node.use(async (redis) => (await redis.keys('[mp]:*')).length)),
    );
    expect({ least: Math.min(...sizes) > 0, all: sizes.reduce((sum, size) => sum + size, 0) }).toEqual({
      least: true,
      all: 40,
    });
    expect(await cluster.use((redis) => redis.get('p:premium_messages:chatter-8000'))).toBe('2');
    await cluster.use((redis) => redis.set('m:chatter-27', '99'));
    const { stdout } = await run(['doctor', '--cache', '--json', '--rebuild']);
    expect(JSON.parse(stdout)).toMatchObject({ counters: users + 40, wrong: 1, orphaned: users });
    expect(await cluster.use((redis) => redis.get('m:chatter-27'))).toBe('2');
    await desk.query('delete from quota.cache_templates');
  });
});
