import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, Redis } from 'ioredis';
import { expect, vi } from 'vitest';
import { freePorts } from '../free-ports.ts';
import type { Certificate } from './certificate.ts';
import { type RedisServer, startMsMax, startServer } from './redis-server.ts';

export interface RedisCluster {
  ports: readonly number[];
  nodes: readonly Omit<RedisServer, 'url'>[];
  use<T>(use: (cluster: Cluster) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** `from to` of each of the three masters. */
const slots = ['0 5460', '5461 10922', '10923 16383'];

/** Three masters on ports of their own, which call each other by address; with TLS where there is a certificate. */
export async function startRedisCluster(certificate?: Certificate): Promise<RedisCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-test-redis-cluster-'));
  const free = await freePorts(2 * slots.length);
  const [ports, buses] = [free.slice(0, slots.length), free.slice(slots.length)];
  const own =
    certificate === undefined
      ? {}
      : { tls: { ca: certificate.certificate, checkServerIdentity: () => undefined } };
  const nodes = await Promise.all(
    ports.map((port, index) =>
      startServer(
        {
          dir: folder,
          ...portSettings(port, certificate),
          'cluster-enabled': 'yes',
          'cluster-config-file': `nodes-${port}.conf`,
          'cluster-port': String(buses[index]),
        },
        new Redis({ ...own, host: '127.0.0.1', port, lazyConnect: true }),
      ),
    ),
  );
  await joinNodes(nodes, ports, buses);
  const cluster = new Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    { redisOptions: own },
  );
  return {
    ports,
    nodes,
    use: (use) => use(cluster),
    stop: async () => {
      cluster.disconnect();
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const portSettings = (port: number, certificate?: Certificate): Record<string, string> =>
  certificate === undefined
    ? { port: String(port) }
    : {
        port: '0',
        'tls-port': String(port),
        'tls-cert-file': certificate.certificateFile,
        'tls-key-file': certificate.keyFile,
        'tls-ca-cert-file': certificate.certificateFile,
        'tls-auth-clients': 'no',
        'tls-cluster': 'yes',
      };

/** What `redis-cli --cluster create` does. */
async function joinNodes(
  nodes: readonly Omit<RedisServer, 'url'>[],
  ports: readonly number[],
  buses: readonly number[],
): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    await node.use(async (redis) => {
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', ...(slots[index] ?? '').split(' '));
      await redis.call('CLUSTER', 'MEET', '127.0.0.1', String(ports[0]), String(buses[0]));
    });
  }
  await untilWhole({ nodes });
}

/** Waits until every node knows a master for every slot. */
export async function untilWhole({ nodes }: Pick<RedisCluster, 'nodes'>): Promise<void> {
  for (const node of nodes) {
    await node.use((redis) =>
      vi.waitFor(async () => expect(await redis.cluster('INFO')).toContain('cluster_state:ok'), startMsMax),
    );
  }
}
