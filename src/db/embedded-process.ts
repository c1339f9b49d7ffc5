import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode } from './error-code.ts';

/** What a running server writes about itself, from src/include/utils/pidfile.h of PostgreSQL. */
export interface PidFile {
  pid: number;
  socketDirectory: string;
  /** `starting`, `stopping`, `ready` or `standby`. */
  status: string;
}

/**
 * Who has the pid that a pid file names: a server of this cluster; nobody, or a process that merely got the
 * number after a crash; or something that cannot be told, which is neither signalled nor taken for dead.
 */
export type Occupant = 'server' | 'nobody' | 'unknown';

export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  if (!(pid > 1)) return undefined;
  return { pid, socketDirectory: lines[4]?.trim() ?? '', status: lines[7]?.trim() ?? '' };
}

export const pidFileOf = (cluster: string) => join(cluster, 'postmaster.pid');

export function readPidFile(cluster: string): PidFile | undefined {
  const text = readIfThere(pidFileOf(cluster));
  return text === undefined ? undefined : parsePidFile(text);
}

export function occupantOf(pid: number, cluster: string): Occupant {
  if (!isAlive(pid)) return 'nobody';
  const [program, ...args] = commandLine(pid);
  // A zombie has no command line: it runs nothing any more, though its pid still answers.
  if (program === undefined) return 'nobody';
  if (basename(program) !== 'postgres') return 'nobody';
  const directory = args[args.indexOf('-D') + 1];
  if (!args.includes('-D') || directory === undefined) return 'unknown';
  return samePath(directory, cluster) ? 'server' : 'nobody';
}

/** The server of a cluster, as its pid file tells, if it lives. */
export function livingServer(cluster: string): PidFile | undefined {
  const pidFile = readPidFile(cluster);
  return pidFile && occupantOf(pidFile.pid, cluster) !== 'nobody' ? pidFile : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** "Fast shutdown" of PostgreSQL: ends all sessions, writes a checkpoint, exits. */
export function stopFast(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Linux tells the arguments apart; ps does not, but the server is always started as `postgres -D <cluster> -c …`. */
function commandLine(pid: number): string[] {
  if (process.platform === 'linux') {
    return (readIfThere(`/proc/${pid}/cmdline`) ?? '').split('\0').filter((arg) => arg !== '');
  }
  try {
    const line = execFileSync('/bin/ps', ['-ww', '-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
    const server = /^(.*postgres) -D (.*?) -c /.exec(line);
    return server ? [server[1] ?? '', '-D', server[2] ?? ''] : [line.split(' ')[0] ?? ''];
  } catch {
    return [];
  }
}

function samePath(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
