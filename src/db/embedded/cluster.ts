import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { configurationError } from '../../errors.ts';
import { errorCode } from '../error-code.ts';
import type { Binaries } from './binaries.ts';
import { type EmbeddedLocation, embeddedDatabase, embeddedRole, ownersOf } from './location.ts';
import { assertPrivate, buildDirectory, makeDirectories } from './private-directory.ts';
import { clusterMaker, type ServerUser, spawnIdentity } from './server-account.ts';

/**
 * Nothing of the caller's environment reaches the server: PGPORT, TZ or LC_ALL would change what it does. The C library
 * keeps memory by the megabyte: given back and asked for again page by page, it was a fifth of a session's first statement.
 */
export const serverEnvironment = {
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  HOME: '/',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.top_pad=4194304:glibc.malloc.trim_threshold=67108864',
};

/**
 * Settings of a new cluster, in its postgresql.conf, where its owner may change them. The server asks every
 * second whether the client of a running query still lives, so that a killed process keeps no lock for long.
 */
const initialSettings = {
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  client_connection_check_interval: '1s',
};

export const isInitialised = (location: EmbeddedLocation) => existsSync(join(location.cluster, 'PG_VERSION'));

/**
 * Makes the cluster and the database in it. The built-in locale C.UTF-8 knows all of Unicode and is the same on
 * every machine, whichever locales that has. initdb need not sync: the server does before it relies on a file.
 *
 * @throws configurationError with the server's own words when initdb fails.
 */
export async function initialiseCluster(
  location: EmbeddedLocation,
  binaries: Binaries,
  signal?: AbortSignal,
): Promise<void> {
  const { serverUser } = location;
  makeDirectories(location.directory, serverUser ? 0o711 : 0o700);
  const settings = Object.entries(initialSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const initdbArgs = ['--no-sync', '--no-instructions', '--auth=peer', '--encoding=UTF8', '--locale=C'];
  const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  await buildDirectory(
    location.cluster,
    async (directory, gate) => {
      const maker = serverUser && clusterMaker(serverUser);
      mkdirSync(directory, { mode: 0o700 });
      if (maker) {
        chownSync(directory, maker.uid, maker.gid);
        chownSync(gate, 0, maker.gid);
        chmodSync(gate, 0o710);
      }
      const place = ['-D', directory, `--username=${embeddedRole}`];
      await run(binaries.initdb, [...initdbArgs, ...locale, ...settings, ...place], '', maker, signal);
      const single = ['--single', '-F', '-D', directory, '-c', 'shared_buffers=16MB', 'template1'];
      await run(binaries.postgres, single, `create database ${embeddedDatabase}\n`, maker, signal);
      if (serverUser) {
        giveTree(directory, serverUser);
      }
    },
    signal,
  );
}

/**
 * Gives the cluster to the account of the server, where another has it. The directory itself comes last: until then it
 * is not given, and a start that was cut short is taken up by the next.
 *
 * @throws configurationError when others may write there.
 */
export function takeOverCluster(location: EmbeddedLocation): void {
  const { cluster, serverUser, formerOwner } = location;
  if (serverUser && formerOwner !== undefined && assertPrivate(cluster, ownersOf(location))) {
    giveTree(cluster, serverUser);
  }
}

/** Follows no link. What vanishes meanwhile belongs to a server that another process has started already. */
function giveTree(directory: string, user: ServerUser): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      giveTree(path, user);
    } else {
      unlessGone(() => lchownSync(path, user.uid, user.gid));
    }
  }
  unlessGone(() => lchownSync(directory, user.uid, user.gid));
}

function unlessGone(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      throw error;
    }
  }
}

function run(
  program: string,
  args: string[],
  input: string,
  user: ServerUser | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd: '/',
      env: serverEnvironment,
      ...spawnIdentity(user),
      ...(signal ? { signal } : {}),
    };
    const child = execFile(program, args, options, (error, _stdout, stderr) => {
      if (error === null) {
        return resolve();
      }
      if (signal?.aborted) {
        return reject(signal.reason);
      }
      reject(
        configurationError('the embedded database could not be initialised', {
          detail: stderr.trim() || error.message,
          suggestion: 'choose another QUOTA_DATA_DIR, or set DATABASE_URL to a PostgreSQL 15 to 18',
          cause: error,
        }),
      );
    });
    child.stdin?.on('error', () => {}); // the program ended early: its exit code and stderr tell why
    child.stdin?.end(input);
  });
}
