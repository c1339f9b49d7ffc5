import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What the system counts processor time in, where it does not count nanoseconds. */
export const ticksPerSecond = 100;
const lookEveryMs = 5;

/** What a piece of work took of the processor. Beside what else the machine does it says more than the clock. */
export interface Work {
  /** Of the sessions of the server that began and ended with it. */
  serverSeconds: number;
  /** Of this process. */
  nodeSeconds: number;
}

/**
 * Runs `use` and tells what it took: this process, and sessions of the server that it opened and closed. Linux only; what
 * the server does besides (checkpoints) is not counted, autovacuum must be off.
 */
export async function workOf<T>(serverFolder: string, use: () => Promise<T>): Promise<Work & { result: T }> {
  const postmaster = postmasterOf(serverFolder);
  const before = new Set(childrenOf(postmaster));
  const [server, node] = [endedSeconds(postmaster), process.cpuUsage()];
  const result = await use();
  const { user, system } = process.cpuUsage(node);
  while (childrenOf(postmaster).some((child) => !before.has(child))) {
    await delay(lookEveryMs);
  }
  return {
    serverSeconds: endedSeconds(postmaster) - server,
    nodeSeconds: (user + system) / 1e6,
    result,
  };
}

/** Seconds of the processor that a running process has had: a session of the server, by `pg_backend_pid()`. */
export function processorSeconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
}

function postmasterOf(serverFolder: string): number {
  const [data = ''] = readdirSync(serverFolder).filter((name) => /^postgres-\d+$/.test(name));
  return Number.parseInt(readFileSync(join(serverFolder, data, 'postmaster.pid'), 'utf8'), 10);
}

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
}

/** Of children that have ended: the 16th and 17th field; the second is a name in brackets. */
function endedSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}
