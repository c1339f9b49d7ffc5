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
});
