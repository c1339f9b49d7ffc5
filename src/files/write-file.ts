import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { refusedError, usageError } from '../errors.ts';
import { systemError } from '../system-error.ts';

/** Reports, rejects and exports name people: they are for whoever made them. */
export const privateMode = 0o600;
/** Of a former file: who may read it and write it, and nothing else. */
const permissionBits = 0o777;
/** Never through a link, and never into something that is there. */
export const exclusive = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export type Write = (data: string | Uint8Array) => Promise<void>;

export interface WriteFileOptions {
  /** Of a file that was not there before; default: 0600. A former file keeps its own. */
  mode?: number;
}

/**
 * Writes a file as a whole or not at all: beside its place, under a name that nobody can guess, which takes its place
 * once `use` is done and everything is on the disk. That it can be written is known before `use` begins.
 * @throws usageError when there can be no such file, or a link stands in its place; tryAgainError when the disk is full
 */
export async function replaceFile<T>(
  path: string,
  use: (write: Write) => Promise<T>,
  { mode = privateMode }: WriteFileOptions = {},
): Promise<T> {
  const target = resolve(path);
  const former = await formerMode(path, target);
  const temporary = besides(target);
  const file = await openNew(path, temporary, former ?? mode);
  return withRemoval(temporary, async () => {
    const result = await writeAll(path, file, use);
    await rename(temporary, target).catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    return result;
  });
}

/**
 * Writes a new file; what was written is taken away again when `use` fails. That it can be written is known before
 * `use` begins.
 * @throws refusedError when there is something of that name; usageError and tryAgainError as `replaceFile`
 */
export async function createFile<T>(path: string, use: (write: Write) => Promise<T>): Promise<T> {
  const file = await openNew(path, resolve(path), privateMode);
  return withRemoval(path, () => writeAll(path, file, use));
}

async function withRemoval<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function writeAll<T>(path: string, file: FileHandle, use: (write: Write) => Promise<T>): Promise<T> {
  const writing = async (step: () => Promise<void>) =>
    step().catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
  try {
    const result = await use((data) => writing(() => file.writeFile(data)));
    await writing(() => file.sync());
    return result;
  } finally {
    await file.close();
  }
}

async function openNew(path: string, place: string, mode: number): Promise<FileHandle> {
  try {
    const file = await open(place, exclusive, mode);
    await file.chmod(mode); // Whatever the umask takes away.
    return file;
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/**
 * That a file can be written in its place, by beginning one: for what is written once the work is done.
 * @throws usageError for a link, a device, a folder, a folder that is not there; tryAgainError when the disk is full
 */
export async function requireReplaceable(path: string): Promise<void> {
  const target = resolve(path);
  await formerMode(path, target);
  const temporary = besides(target);
  await withRemoval(temporary, async () => (await openNew(path, temporary, privateMode)).close());
  await rm(temporary, { force: true });
}

/** A name in the same folder that nobody can guess. */
const besides = (target: string) =>
  join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(8).toString('hex')}.tmp`);

/** Who may use the file that is to be replaced; undefined: there is none. A link, a device or a folder is not replaced. */
async function formerMode(path: string, target: string): Promise<number | undefined> {
  const found = await lstat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return null;
    }
    throw cannotWrite(path, error);
  });
  if (found === null) {
    return undefined;
  }
  if (found.isSymbolicLink()) {
    const { isFile } = await stat(target).then(
      (behind) => ({ isFile: behind.isFile() }),
      () => ({ isFile: false }),
    );
    throw notAFile(path, 'it is a symbolic link', isFile ? 'name the file that it leads to' : undefined);
  }
  if (!found.isFile()) {
    throw notAFile(path, found.isDirectory() ? 'it is a folder' : 'it is not a file');
  }
  return found.mode & permissionBits;
}

const notAFile = (path: string, detail: string, suggestion = 'name a file in a folder that exists') =>
  usageError(`${path} cannot be written`, { detail, suggestion });

/** What a failed write is told as, for every kind of file. */
export function cannotWrite(path: string, error: unknown): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
    return refusedError(`${path} exists already and would be overwritten`, {
      suggestion: 'move it away, or name another file',
      cause: error,
    });
  }
  return systemError(error, `${path} cannot be written`) ?? error;
}
