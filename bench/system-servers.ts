import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { clusterMaker, serverAccount, spawnIdentity } from '../src/db/embedded/server-account.ts';
import { ticksPerSecond } from './processor-time.ts';

/** A server of the system's packages, on a port of this machine. */
export interface SystemServer {
  url(database: string): string;
  on(database: string, sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Seconds of the processor that all its processes have had so far. */
  processorSeconds(): number;
}

const root = '/usr/lib/postgresql';

/** The programs of a version of Debian's that has PL/Proxy; undefined: there is none. */
export function findProxyServer(): string | undefined {
  const majors = existsSync(root) ? readdirSync(root) : [];
  return majors
    .map((major) => join(root, major))
    .find((folder) => existsSync(join(folder, 'lib/plproxy.so')) && existsSync(join(folder, 'bin/initdb')));
}

/** Starts so many servers with the same settings, and ends them after `use`. */
export async function withSystemServers<T>(
  programs: string,
  count: number,
  use: (servers: SystemServer[]) => Promise<T>,
): Promise<T> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const servers: SystemServer[] = [];
    for (let server = 0; server < count; server += 1) {
      const started = await startServer(programs);
      servers.push(started);
      stops.push(started.stop);
    }
    return await use(servers);
  } finally {
    for (const stop of stops) {
      await stop();
    }
  }
}

async function startServer(programs: string): Promise<SystemServer & { stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-bench-server-'));
  const account = process.getuid?.() === 0 ? serverAccount(folder) : undefined;
  const maker = account && { ...clusterMaker(account), gid: account.gid };
  chmodSync(folder, 0o711);
  if (maker) {
    chownSync(folder, maker.uid, maker.gid);
  }
  const asServer = { cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, ...spawnIdentity(maker) };
  const data = join(folder, 'data');
  const made = spawnSync(
    join(programs, 'bin/initdb'),
    ['--no-sync', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '-D', data],
    asServer,
  );
  if (made.status !== 0) {
    throw new Error(`initdb failed: ${made.stderr}`);
  }
  const port = await freePort();
  const settings = [
    ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', `port=${port}`],
    // Neither is a part of what is compared.
    ...['autovacuum=off', 'jit=off'],
  ];
  const words = settings.flatMap((setting) => ['-c', setting]);
  const server = spawn(join(programs, 'bin/postgres'), ['-D', data, ...words], {
    ...asServer,
    stdio: 'ignore',
  });
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=disable`;
  const on = async (database: string, sql: string, values: unknown[] = []) => {
    const client = new pg.Client(url(database));
    await client.connect();
    try {
      return (await client.query(sql, values)).rows;
    } finally {
      await client.end();
    }
  };
  for (let tries = 0; ; tries += 1) {
    try {
      await on('postgres', 'select 1');
      break;
    } catch (error) {
      if (tries > 200) {
        throw error;
      }
      await sleep(50);
    }
  }
  return {
    url,
    on,
    processorSeconds: () => processorSecondsOf(server.pid ?? 0),
    stop: async () => {
      const gone = once(server, 'exit');
      server.kill('SIGQUIT');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Of a process, its children that live, and those that have ended. */
function processorSecondsOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  const ticks = (process: string, from: number, to: number) =>
    readFileSync(`/proc/${process}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .slice(from, to)
      .reduce((sum, field) => sum + Number(field), 0);
  // utime, stime, and those of children that were waited for.
  const own = ticks(String(pid), 11, 15);
  return children.reduce((sum, child) => sum + ticks(child, 11, 13), own) / ticksPerSecond;
}
