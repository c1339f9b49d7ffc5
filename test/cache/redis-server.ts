import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { endProcess } from '../end-process.ts';

/** A server that has not come up by then does not come. */
export const startMsMax = 60_000;

export interface RedisServer {
  url: string;
  use<T>(use: (redis: Redis) => Promise<T>): Promise<T>;
  /** A stopped process accepts connections and answers nothing. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/** A server of its own, on a socket in a folder that goes with it, with a password. */
export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-test-redis-'));
  const socket = join(folder, 'redis.sock');
  const server = await startServer(
    { dir: folder, port: '0', unixsocket: socket, requirepass: 'sesame' },
    new Redis({ path: socket, password: 'sesame', lazyConnect: true }),
  );
  return {
    ...server,
    url: `unix://:sesame@localhost${socket}`,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs redis-server with settings of redis.conf; `own` is the connection of the test. */
export async function startServer(
  settings: Readonly<Record<string, string>>,
  own: Redis,
): Promise<Omit<RedisServer, 'url'>> {
  requireRedisServer();
  const words = Object.entries({ bind: '127.0.0.1', save: '', appendonly: 'no', ...settings });
  const server = spawn(
    'redis-server',
    words.flatMap(([name, value]) => [`--${name}`, ...value.split(' ')]),
    { stdio: 'ignore' },
  );
  own.on('error', () => {}); // It is told to whoever asked.
  await vi.waitFor(() => own.ping(), startMsMax);
  return {
    use: (use) => use(own),
    signal: (name) => void server.kill(name),
    stop: async () => {
      own.disconnect();
      await endProcess(server, 'SIGKILL');
    },
  };
}

function requireRedisServer(): void {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    throw new Error('these tests need a redis-server on the PATH: apt-get install redis-server');
  }
}
