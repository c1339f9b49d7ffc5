import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../error-code.ts';

/** What a running server writes about itself, from src/include/utils/pidfile.h of PostgreSQL. */
export interface PidFile {
  pid: number;
  socketDirectory: string;
  /** `starting`, `stopping`, `ready` or `standby`. */
  status: string;
}

export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  if (!(pid > 1)) {
    return undefined;
  }
  return { pid, socketDirectory: lines[4]?.trim() ?? '', status: lines[7]?.trim() ?? '' };
}

export const pidFileOf = (cluster: string) => join(cluster, 'postmaster.pid');

export function readPidFile(cluster: string): PidFile | undefined {
  const text = readIfThere(pidFileOf(cluster));
  return text === undefined ? undefined : parsePidFile(text);
}

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
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
    if (errorCode(error) !== 'ESRCH') {
      throw error;
    }
  }
}
