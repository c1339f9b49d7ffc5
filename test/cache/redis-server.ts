import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Redis, withRedis } from '../../src/cache/redis.ts';

/** Tests of the cache run where a redis-server is on the PATH (Debian: apt-get install redis-server). */
export const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;

export interface RedisServer {
  url: string;
  use<T>(use: (redis: Redis) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** A server of its own, on a socket in a folder that goes with it, with a password. */
export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-test-redis-'));
  const socket = join(folder, 'redis.sock');
  const settings = {
    port: '0',
    unixsocket: socket,
    save: '',
    appendonly: 'no',
    dir: folder,
    requirepass: 'sesame',
  };
  const server = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: 'ignore' },
  );
  const url = `unix://:sesame@localhost${socket}`;
  await answers(url);
  return {
    url,
    use: (use) => withRedis(url, use),
    stop: async () => {
      await ended(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await withRedis(url, (redis) => redis.call('PING'));
      return;
    } catch (error) {
      if (attempt > 100) {
        throw error;
      }
      await sleep(50);
    }
  }
}

const ended = (server: ChildProcess) =>
  new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
    server.kill();
  });
