import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { refusedError } from '../errors.ts';
import { cannotWrite } from '../files/write-file.ts';

const onlyOwner = 0o700;

/**
 * Where a backup goes: into a new folder of that name; where there is a folder already, into a new one inside it, named
 * after the database and the moment - the same words do every night.
 * @throws refusedError where something else than a folder has the name
 */
export async function backupPlace(given: string, database: string, at: Date): Promise<string> {
  const path = resolve(given);
  const found = await lstat(path).catch(() => null);
  if (found === null) {
    return path;
  }
  refuseOther(given, found);
  const moment = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  return join(path, `${database.replaceAll(/[^\w.-]/g, '_')}-${moment}`);
}

function refuseOther(given: string, found: Stats): void {
  if (!found.isDirectory()) {
    throw refusedError(`${given} exists already and is no folder`, {
      suggestion: 'name a folder: one that is to be made, or one to make it in',
    });
  }
}

/**
 * Makes the folder as a whole or not at all: beside its place under a name that nobody can guess, taken away again when
 * `use` fails.
 * @throws refusedError when something is in its place; usageError where no folder can be made
 */
export async function withNewFolder<T>(place: string, use: (folder: string) => Promise<T>): Promise<T> {
  const temporary = join(dirname(place), `.${basename(place)}.${randomBytes(8).toString('hex')}.tmp`);
  try {
    await mkdir(temporary, { mode: onlyOwner });
  } catch (error) {
    throw cannotWrite(place, error);
  }
  try {
    const result = await use(temporary);
    if ((await lstat(place).catch(() => null)) !== null) {
      throw refusedError(`${place} exists already`, { suggestion: 'name another folder' });
    }
    await rename(temporary, place);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}
