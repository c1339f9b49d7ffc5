import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { vi } from 'vitest';
import { clusterMaker, spawnIdentity } from '../../../src/db/embedded/server-account.ts';
import { startMsMax } from '../../cache/redis-server.ts';
import { query } from '../../database.ts';
import { endProcess } from '../../end-process.ts';
import { freePorts } from '../../free-ports.ts';
import { fetchBinaries, type OtherMajor, ownBinaries, serverUser } from './binaries.ts';

export interface ServerOptions {
  /** Default: the version that comes along. */
  major?: OtherMajor;
  /** Programs of the system instead, which have what Debian has packages of. */
  binaries?: { initdb: string; postgres: string };
  settings?: Readonly<Record<string, string>>;
  /** Lines of pg_hba.conf, before those that let `quota` and `postgres` in without a password. */
  doors?: readonly string[];
  /** Copied into the folder of the server, readable by it alone; settings name them without a folder. */
  files?: readonly string[];
  /** Words of initdb besides. */
  initdb?: readonly string[];
  /** Makes it a streaming standby of this server, which lets `postgres` in for replication, in place of an empty one. */
  follows?: PostgresServer;
}

export interface PostgresServer {
  port: number;
  /** Its files. */
  cluster: string;
  /** The URL of a database, as the superuser `postgres`, in plain text. */
  url(database?: string): string;
  /** By superuser, on the database `postgres`. */
  run(sql: string): Promise<void>;
  stop(): Promise<void>;
}

/** A server of its own on a port of this machine, gone with its folder when it is stopped. */
export async function startPostgres(options: ServerOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-test-postgres-'));
  chmodSync(folder, 0o711);
  const binaries =
    options.binaries ??
    (options.major === undefined ? await ownBinaries(folder) : fetchBinaries(options.major));
  const user = serverUser(folder);
  const account = user && { ...clusterMaker(user), gid: user.gid };
  const own = (path: string) => account && chownSync(path, account.uid, account.gid);
  own(folder);
  const cluster = join(folder, 'data');
  const asServer = {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...spawnIdentity(account),
  };
  if (options.follows === undefined) {
    const made = spawnSync(
      binaries.initdb,
      [
        '--no-sync',
        '-A',
        'trust',
        '-U',
        'postgres',
        '-D',
        cluster,
        ...(options.initdb ?? ['-E', 'UTF8', '--locale=C']),
      ],
      asServer,
    );
    if (made.status !== 0) {
      throw new Error(`initdb failed: ${made.stderr}`);
    }
  } else {
    await copyCluster(options.follows, cluster);
    for (const file of ['backup_label', 'standby.signal']) {
      own(join(cluster, file));
    }
  }
  const doors = [...(options.doors ?? []), 'host all postgres 127.0.0.1/32 trust'];
  writeFileSync(join(cluster, 'pg_hba.conf'), `${doors.join('\n')}\n`);
  for (const file of options.files ?? []) {
    const copy = join(cluster, basename(file));
    copyFileSync(file, copy);
    chmodSync(copy, 0o600);
    own(copy);
  }
  const [port = 0] = await freePorts(1);
  const settings = {
    port: `${port}`,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    ...options.settings,
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(binaries.postgres, ['-D', cluster, ...words], { ...asServer, stdio: 'ignore' });
  const url = (database = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=disable`;
  const run = async (sql: string) => void (await query(url(), sql));
  await vi.waitFor(() => run('select 1'), { timeout: startMsMax, interval: 50 });
  return {
    port,
    cluster,
    url,
    run,
    stop: async () => {
      await endProcess(server, 'SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The files of a server that goes on, as a standby begins with them: what pg_basebackup does, which does not come along.
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
async function copyCluster(from: PostgresServer, cluster: string): Promise<void> {
  const client = new pg.Client(from.url());
  await client.connect();
  try {
    await client.query(`select pg_backup_start('standby', true)`);
    const copied = spawnSync('cp', ['-a', from.cluster, cluster]);
    if (!existsSync(join(cluster, 'global', 'pg_control'))) {
      throw new Error(`the files were not copied: ${copied.stderr}`);
    }
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    rmSync(join(cluster, 'postmaster.pid'), { force: true });
    writeFileSync(join(cluster, 'backup_label'), rows[0]?.labelfile ?? '');
    writeFileSync(join(cluster, 'standby.signal'), '');
    const conninfo = `host=127.0.0.1 port=${from.port} user=postgres`;
    appendFileSync(join(cluster, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
  } finally {
    await client.end();
  }
}
