import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { tryAgainError } from '../../errors.ts';
import { errorCode } from '../error-code.ts';
import { connectTo } from './connection.ts';
import { countOtherClients, readServerState, takeSoleLease } from './lease-store.ts';
import { type EmbeddedLocation, locateEmbedded, urlAt } from './location.ts';
import { type PidFile, readIfThere, stopFast } from './pid-file.ts';
import { livingServer, occupantOf } from './process.ts';
import { openEmbedded, shutDown } from './session.ts';

const pollMs = 10;
const stopMsMax = 60_000;

export interface EmbeddedStatus {
  state: 'running' | 'stopped' | 'not initialised';
  pid?: number;
  url: string;
  /** Where the cluster lies; as root it may be elsewhere than the data directory that was asked for. */
  directory: string;
  /** Such as `18.4` when running, the major version alone when stopped. */
  serverVersion?: string;
  /** Whether `quota db start` asked it to outlive the processes that use it. */
  stays: boolean;
  /** How many quota processes use it; absent when it is not running, or too busy to say. */
  sessions?: number;
}

/** `in use`: the last of the others stops it. */
export interface StopResult {
  outcome: 'stopped' | 'not running' | 'in use';
  /** Other clients connected: quota's processes, apps, psql. */
  clients: number;
}

/** Starts the server if need be and has it stay until it is stopped. Errors as `openEmbedded`. */
export async function startEmbedded(dataDir: string, signal?: AbortSignal): Promise<EmbeddedStatus> {
  const session = await openEmbedded({ dataDir, signal });
  try {
    markToStay(locateEmbedded(dataDir));
  } finally {
    await session.close();
  }
  return embeddedStatus(dataDir);
}

/**
 * Takes back that the server shall stay, and stops it unless others use it; `force` ends their sessions.
 *
 * @throws tryAgainError when it has not ended after a minute.
 */
export async function stopEmbedded(dataDir: string, options: { force?: boolean } = {}): Promise<StopResult> {
  const location = locateEmbedded(dataDir);
  rmSync(location.stayMark, { force: true });
  const giveUpAt = performance.now() + stopMsMax;
  let found = false;
  for (;;) {
    const server = livingServer(location.cluster);
    if (server === undefined) {
      return { outcome: found ? 'stopped' : 'not running', clients: 0 };
    }
    if (server.status !== 'stopping') {
      const clients = await askToStop(location, server, options.force === true);
      if (clients > 0) {
        return { outcome: 'in use', clients };
      }
    }
    found = true;
    if (performance.now() > giveUpAt) {
      throw tryAgainError(`the embedded database (pid ${server.pid}) is still stopping`, {
        detail: `it writes what it has in memory to ${location.cluster}; see ${location.logFile}`,
        suggestion: 'run the command again in a while',
      });
    }
    await delay(pollMs);
  }
}

/** What runs and where. Starts nothing and changes nothing. */
export async function embeddedStatus(dataDir: string): Promise<EmbeddedStatus> {
  const location = locateEmbedded(dataDir);
  const version = readIfThere(join(location.cluster, 'PG_VERSION'))?.trim();
  const base = {
    url: await embeddedUrl(dataDir),
    directory: location.cluster,
    stays: existsSync(location.stayMark),
  };
  const server = livingServer(location.cluster);
  if (server === undefined) {
    return version === undefined
      ? { ...base, state: 'not initialised' }
      : { ...base, state: 'stopped', serverVersion: version };
  }
  const running = { ...base, state: 'running' as const, pid: server.pid };
  const client = await connectTo(location, server.socketDirectory || location.socketDirectory);
  if ('refused' in client) {
    return version === undefined ? running : { ...running, serverVersion: version };
  }
  try {
    const { serverVersion, sessions } = await readServerState(client);
    return { ...running, serverVersion, sessions };
  } finally {
    await client.end();
  }
}

/** The URL at which the server of a data directory listens when it runs. */
async function embeddedUrl(dataDir: string): Promise<string> {
  const location = locateEmbedded(dataDir);
  return urlAt(livingServer(location.cluster)?.socketDirectory || location.socketDirectory);
}

/** Never through a link: as root, the directory may belong to somebody who would point it elsewhere. */
function markToStay(location: EmbeddedLocation): void {
  try {
    writeFileSync(location.stayMark, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      throw error;
    }
  }
}

/** How many others kept it from being asked; 0 also while it is starting or stopping and cannot be asked yet. */
async function askToStop(location: EmbeddedLocation, server: PidFile, force: boolean): Promise<number> {
  const client = await connectTo(location, server.socketDirectory || location.socketDirectory);
  if ('refused' in client) {
    if (force && occupantOf(server.pid, location.cluster) === 'server') {
      stopFast(server.pid);
    }
    return 0;
  }
  try {
    const clients = force ? 0 : await countUsers(client);
    if (clients > 0) {
      return clients;
    }
    const { pidFile } = await readServerState(client);
    if (pidFile) {
      await shutDown(client, pidFile.pid);
    }
    return 0;
  } finally {
    await client.end().catch(() => {});
  }
}

async function countUsers(client: pg.Client): Promise<number> {
  const alone = await takeSoleLease(client);
  const others = await countOtherClients(client);
  return alone ? others : Math.max(others, 1);
}
