import { lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { usageError } from '../errors.ts';

/**
 * Writes a file as a whole or not at all: beside its place under a temporary name, which takes its place once `use`
 * is done. That it can be written is known before `use` begins. A symbolic link is followed.
 * @throws usageError when there can be no such file
 */
export async function replaceFile<T>(
  path: string,
  use: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const target = await targetOf(path);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  const file = await open(temporary, 'w').catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  try {
    let result: T;
    try {
      result = await use(async (text) => {
        await file.writeFile(text).catch((error: unknown) => {
          throw cannotWrite(path, error);
        });
      });
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The place to write to. A device or a folder cannot be replaced. */
async function targetOf(path: string): Promise<string> {
  const target = await realpath(path).catch(() => resolve(path));
  const found = await lstat(target).catch(() => null);
  if (found !== null && !found.isFile()) {
    throw cannotWrite(path, new Error(found.isDirectory() ? 'it is a folder' : 'it is not a file'));
  }
  return target;
}

const cannotWrite = (path: string, error: unknown) =>
  usageError(`${path} cannot be written`, {
    detail: error instanceof Error ? error.message : String(error),
    suggestion: 'name a file in a folder that exists and that you may write to',
    cause: error,
  });
