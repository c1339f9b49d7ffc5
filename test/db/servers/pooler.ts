import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { startMsMax } from '../../cache/redis-server.ts';
import { query } from '../../database.ts';
import { endProcess } from '../../end-process.ts';
import { freePorts } from '../../free-ports.ts';

export interface Pooler {
  /** The database, through the pooler. */
  url: string;
  stop(): Promise<void>;
}

/** A pgbouncer with one connection to the server, which all of its clients share; in session mode with some. */
export async function startPooler(
  mode: 'session' | 'transaction' | 'statement',
  upstream: { host: string; port: number; user: string; database: string },
): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-test-pooler-'));
  chmodSync(folder, 0o755);
  const [port = 0] = await freePorts(1);
  const { host, user, database } = upstream;
  writeFileSync(join(folder, 'users.txt'), `"${user}" ""\n`);
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `pooled = host=${host} port=${upstream.port} user=${user} dbname=${database}`,
      '[pgbouncer]',
      `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =`,
      `auth_type = trust\nauth_file = ${join(folder, 'users.txt')}`,
      `pool_mode = ${mode}\ndefault_pool_size = ${mode === 'session' ? 4 : 1}\nserver_reset_query =`,
      'ignore_startup_parameters = extra_float_digits',
      '',
    ].join('\n'),
  );
  const asUser = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const pooler = spawn('pgbouncer', [join(folder, 'pgbouncer.ini')], {
    stdio: 'ignore',
    cwd: '/',
    ...asUser,
  });
  const url = `postgres://${user}@127.0.0.1:${port}/pooled?sslmode=disable`;
  await vi.waitFor(() => query(url, 'select 1'), { timeout: startMsMax, interval: 50 });
  return {
    url,
    stop: async () => {
      await endProcess(pooler, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
