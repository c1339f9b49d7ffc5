import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeAdmission } from './admission.ts';
import { findBinaries } from './binaries.ts';
import { initialiseCluster, isInitialised, serverEnvironment, takeOverCluster } from './cluster.ts';
import { type EmbeddedLocation, embeddedPort } from './location.ts';
import { parsePidFile, pidFileOf, readIfThere } from './pid-file.ts';
import { makePrivateDirectory } from './private-directory.ts';
import { occupantOf } from './process.ts';
import { spawnIdentity } from './server-account.ts';

const logBytesMax = 10 * 1024 * 1024;
const logTailBytesMax = 64 * 1024;
const logTailLinesMax = 12;
/** SQLSTATE lock_file_exists: another server has the cluster, or one that was killed has not quite gone. */
const lockFileExists = 'F0001';

export interface ServerStart {
  /**
   * Undefined while the server runs. `stopped`: somebody stopped it, or another server was faster; `failed`: it would
   * fail again. Throws if the program could not be run at all.
   */
  ended(): 'stopped' | 'failed' | undefined;
}

/**
 * Starts the server of a location, without waiting until it answers; first makes the cluster if there is none.
 * Where several processes do this, PostgreSQL lets one server live and the others end with F0001.
 *
 * @throws configurationError when there are no binaries or the cluster cannot be made.
 */
export async function startServer(location: EmbeddedLocation, signal?: AbortSignal): Promise<ServerStart> {
  const binaries = await findBinaries(location.serverUser, signal);
  if (!isInitialised(location)) {
    await initialiseCluster(location, binaries, signal);
  }
  takeOverCluster(location);
  writeAdmission(location);
  signal?.throwIfAborted();
  removeStaleLocks(location);
  if (location.socketDirectory !== location.cluster) {
    makePrivateDirectory(location.socketDirectory, location.serverUser);
  }
  return observe(spawnServer(location, binaries.postgres), location);
}

/** The last lines of the server's log. */
export const logTail = (location: EmbeddedLocation) =>
  readLogEnd(location).trim().split('\n').slice(-logTailLinesMax).join('\n');

function readLogEnd(location: EmbeddedLocation): string {
  let file: number;
  try {
    file = openSync(location.logFile, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, logTailBytesMax));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(file);
  }
}

function spawnServer(location: EmbeddedLocation, postgres: string): ChildProcess {
  const settings = {
    listen_addresses: '',
    port: `${embeddedPort}`,
    unix_socket_directories: location.socketDirectory,
    unix_socket_permissions: '0700',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: '%m [%p] %e ',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Statements, their parameters and the rows that an error names hold what users and providers said.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openLog(location);
  try {
    const child = spawn(postgres, ['-D', location.cluster, ...args], {
      cwd: '/',
      env: serverEnvironment,
      ...spawnIdentity(location.serverUser),
      detached: true, // out of the terminal's process group: Ctrl-C ends quota, not everybody's server
      stdio: ['ignore', log, log],
    });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** Follows no link: as root, the directory may belong to somebody who would point it elsewhere. */
function openLog(location: EmbeddedLocation): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const log = openSync(location.logFile, flags, 0o600);
  if (location.serverUser) {
    fchownSync(log, location.serverUser.uid, location.serverUser.gid);
  }
  if (fstatSync(log).size > logBytesMax) {
    ftruncateSync(log, 0);
  }
  return log;
}

function observe(child: ChildProcess, location: EmbeddedLocation): ServerStart {
  let spawnError: Error | undefined;
  child.on('error', (error) => {
    spawnError = error;
  });
  return {
    ended() {
      if (spawnError) {
        throw spawnError;
      }
      if (child.exitCode === null && child.signalCode === null) {
        return undefined;
      }
      if (child.exitCode === 0 || child.signalCode !== null) {
        return 'stopped';
      }
      return readLogEnd(location).includes(`[${child.pid}] ${lockFileExists} `) ? 'stopped' : 'failed';
    },
  };
}

/**
 * PostgreSQL takes a lock file for a living server's when any process of its user has the pid written there: one
 * that got the number after a crash, or a zombie that nobody collects in a container. Such files are removed.
 */
function removeStaleLocks(location: EmbeddedLocation): void {
  const socketLock = join(location.socketDirectory, `.s.PGSQL.${embeddedPort}.lock`);
  for (const file of [pidFileOf(location.cluster), socketLock]) {
    const text = readIfThere(file);
    const pid = text === undefined ? undefined : parsePidFile(text)?.pid;
    if (text === undefined || pid === undefined || occupantOf(pid, location.cluster) !== 'nobody') {
      continue;
    }
    const aside = `${file}.stale-${process.pid}`;
    try {
      renameSync(file, aside);
      // Another process may have removed it first, and this one is a new server's: give it back.
      if (readIfThere(aside) !== text) {
        linkSync(aside, file);
      }
    } catch {
      // gone or back already: PostgreSQL itself judges what is there now
    }
    rmSync(aside, { force: true });
  }
}
