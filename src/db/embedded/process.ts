import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { isAlive, type PidFile, readIfThere, readPidFile } from './pid-file.ts';

/**
 * Who has the pid that a pid file names: a server of this cluster; nobody, or a process that merely got the
 * number after a crash; or something that cannot be told, which is neither signalled nor taken for dead.
 */
export type Occupant = 'server' | 'nobody' | 'unknown';

export function occupantOf(pid: number, cluster: string): Occupant {
  if (!isAlive(pid)) {
    return 'nobody';
  }
  const line = commandLine(pid);
  if (line === undefined) {
    return isAlive(pid) ? 'unknown' : 'nobody';
  }
  const [program, ...args] = line;
  // A zombie has no command line: it runs nothing any more, though its pid still answers.
  if (program === undefined || basename(program) !== 'postgres') {
    return 'nobody';
  }
  const directory = args[args.indexOf('-D') + 1];
  if (!args.includes('-D') || directory === undefined) {
    return 'unknown';
  }
  return samePath(directory, cluster) ? 'server' : 'nobody';
}

/** The server of a cluster, as its pid file tells, if it lives. */
export function livingServer(cluster: string): PidFile | undefined {
  const pidFile = readPidFile(cluster);
  return pidFile && occupantOf(pidFile.pid, cluster) !== 'nobody' ? pidFile : undefined;
}

/**
 * Linux tells the arguments apart; ps does not, but the server is always started as `postgres -D <cluster> -c …`.
 * Undefined: the process has gone, or this system does not show it.
 */
function commandLine(pid: number): string[] | undefined {
  if (process.platform === 'linux') {
    return readIfThere(`/proc/${pid}/cmdline`)
      ?.split('\0')
      .filter((arg) => arg !== '');
  }
  try {
    const line = execFileSync('/bin/ps', ['-ww', '-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
    const server = /^(.*postgres) -D (.*?) -c /.exec(line);
    return server ? [server[1] ?? '', '-D', server[2] ?? ''] : [line.split(' ')[0] ?? ''];
  } catch {
    return undefined;
  }
}

function samePath(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
