import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { configurationError } from '../../errors.ts';
import { errorCode } from '../error-code.ts';
import { isAlive } from './pid-file.ts';

const otherBuilderPollMs = 25;
const otherBuilderWaitMsMax = 30_000;

/** Makes a directory and those above it, with exactly this mode whatever the umask; existing ones stay as they are. */
export function makeDirectories(directory: string, mode: number): void {
  if (existsSync(directory)) {
    return;
  }
  makeDirectories(dirname(directory), mode);
  try {
    mkdirSync(directory);
    chmodSync(directory, mode);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      throw error;
    }
  }
}

/**
 * Makes `target` appear whole or not at all: `build` makes a directory in a closed one beside it, which is then moved.
 * Processes that do it at the same time agree on the first to finish. What a killed builder left behind is removed.
 *
 * @throws what `build` throws, and the signal's reason; `target` does not exist then.
 */
export async function buildDirectory(
  target: string,
  build: (directory: string, parent: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const giveUpAt = performance.now() + otherBuilderWaitMsMax;
  while ((await clearAbandoned(target)) && performance.now() < giveUpAt) {
    await delay(otherBuilderPollMs, undefined, { signal });
    if (existsSync(target)) {
      return;
    }
  }
  const temporary = `${target}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(temporary, { mode: 0o700 });
    const whole = join(temporary, basename(target));
    await build(whole, temporary);
    signal?.throwIfAborted();
    await rename(whole, target);
  } catch (error) {
    if (!existsSync(target) || !['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) {
      throw error;
    }
  } finally {
    await discard(temporary);
  }
}

/**
 * A private directory of the server's owner in a place where others may write, such as /tmp.
 *
 * @throws configurationError when somebody else has taken its name.
 */
export function makePrivateDirectory(
  directory: string,
  owner: { uid: number; gid: number } | undefined,
): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
    if (owner) {
      chownSync(directory, owner.uid, owner.gid);
    }
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      throw error;
    }
  }
  assertPrivate(directory, [owner?.uid ?? process.getuid?.()]);
}

/**
 * Whether the directory exists. Whoever owns the directory of a socket can pose as the server behind it, so it
 * must be a real directory of one of `uids` in which nobody else may write.
 *
 * @throws configurationError if it is not.
 */
export function assertPrivate(directory: string, uids: readonly (number | undefined)[]): boolean {
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) {
    return false;
  }
  if (!stats.isDirectory() || !uids.includes(stats.uid) || (stats.mode & 0o022) !== 0) {
    throw configurationError(`${directory} is not a private directory of uid ${uids[0]}`, {
      detail: `it is owned by uid ${stats.uid} with mode ${(stats.mode & 0o7777).toString(8)}`,
      suggestion: 'run as the user who owns the data, or choose another QUOTA_DATA_DIR, or set DATABASE_URL',
    });
  }
  return true;
}

/** Something a killed builder started may still be writing there: then the next one removes it. */
const discard = (directory: string) =>
  rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });

/** Removes what dead builders left; true while a living one is at work. */
async function clearAbandoned(target: string): Promise<boolean> {
  const prefix = `${basename(target)}.new-`;
  let atWork = false;
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(prefix)) {
      continue;
    }
    if (isAlive(Number.parseInt(name.slice(prefix.length), 10))) {
      atWork = true;
    } else {
      await discard(join(dirname(target), name)).catch(() => {});
    }
  }
  return atWork;
}
