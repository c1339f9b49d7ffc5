import type { Cluster, Redis } from 'ioredis';
import { type HostAddress, readAddresses, type SocketAddress } from './redis-address.ts';
import { redisError, type Trouble } from './redis-error.ts';
import { clusterOptions, serverOptions } from './redis-options.ts';

/**
 * A server, or a cluster that sends each command to the node that has its key. Lost connections are made anew and
 * unanswered commands sent again, within limits: commands have to be such that twice does no harm.
 */
export class RedisConnection {
  readonly #opened: (Redis | Cluster)[] = [];
  #redis: Redis | Cluster | null = null;
  /** What the library met last; its own errors often say only that there is no connection. */
  #trouble: Trouble | null = null;

  /** @throws unavailableError */
  async open(url: string): Promise<void> {
    const addresses = readAddresses(url);
    for (const [index, address] of addresses.entries()) {
      try {
        this.#redis = await this.#connect(address);
        return;
      } catch (error) {
        if (index === addresses.length - 1) {
          throw redisError(error, this.#trouble);
        }
      }
    }
  }

  /** @throws unavailableError when the server cannot be reached, does not answer or refuses the command */
  async ask<T>(question: (redis: Redis | Cluster) => Promise<T>): Promise<T> {
    if (this.#redis === null) {
      throw new Error('the connection to Redis is not open');
    }
    try {
      return await question(this.#redis);
    } catch (error) {
      throw redisError(error, this.#trouble);
    }
  }

  /**
   * The servers that have keys: itself, or the masters of a cluster.
   * @throws unavailableError where they do not agree that they have all slots: keys would be missed in silence
   */
  async masters(): Promise<readonly Redis[]> {
    const masters = await this.ask(async (redis) => ('nodes' in redis ? redis.nodes('master') : redis));
    if (!Array.isArray(masters)) {
      return [masters];
    }
    await this.ask(() => requireAllSlots(masters));
    return masters;
  }

  close(): void {
    for (const redis of this.#opened) {
      redis.disconnect();
    }
  }

  async #connect(address: HostAddress | SocketAddress): Promise<Redis | Cluster> {
    const library = await import('ioredis');
    this.#trouble = null;
    const server = new library.Redis(serverOptions(address));
    this.#opened.push(server);
    server.on('error', (error: Error) => this.#met(error));
    await server.connect();
    this.#refuseTrouble(); // A database that there is not: it would go on in another one.
    if ('path' in address || !(await isOfCluster(server))) {
      return server;
    }
    server.disconnect();
    const cluster = new library.Cluster(
      [{ host: address.host, port: address.port }],
      clusterOptions(address),
    );
    this.#opened.push(cluster);
    cluster.on('error', (error: Error) => this.#met(error));
    cluster.on('node error', (error: Error, node: string) => this.#met(error, node));
    await cluster.connect();
    return cluster;
  }

  /** @throws what was met */
  #refuseTrouble(): void {
    if (this.#trouble !== null) {
      throw this.#trouble.error;
    }
  }

  #met(error: Error, node?: string): void {
    this.#trouble = node === undefined ? { error } : { error, node };
  }
}

const slotCount = 16_384;

/** Each master has a view of its own, and after a change they differ for a while. */
async function requireAllSlots(masters: readonly Redis[]): Promise<void> {
  const ids = new Set(await Promise.all(masters.map((master) => master.cluster('MYID'))));
  for (const master of masters) {
    const ranges = await master.cluster('SLOTS');
    const reached = ranges.filter(([, , own]) => own !== undefined && ids.has(own[2]));
    const count = reached.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    if (count < slotCount) {
      const { host, port } = master.options;
      throw new Error(
        `seen from ${host}:${port}, ${slotCount - count} slots of the cluster are not at its masters`,
      );
    }
  }
}

/** A login that may not ask has a server of its own, as far as we can know. */
async function isOfCluster(server: Redis): Promise<boolean> {
  try {
    return /^cluster_enabled:1/m.test(await server.info('cluster'));
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NOPERM')) {
      return false;
    }
    throw error;
  }
}

/**
 * Opens a connection for the time of `use`: `redis://[user[:password]@]host[:port][/database]`, `rediss://` with TLS,
 * `unix:///path`. Several hosts with commas in between are tried in turn. That a host is of a cluster is found out.
 * @throws unavailableError
 */
export async function withRedis<T>(url: string, use: (redis: RedisConnection) => Promise<T>): Promise<T> {
  const connection = new RedisConnection();
  try {
    await connection.open(url);
    return await use(connection);
  } finally {
    connection.close();
  }
}
