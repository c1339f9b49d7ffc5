import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemError } from '../system-error.ts';
import { digestOf } from './digest.ts';
import type { InputDigest, InputSource } from './input.ts';
import { nameOf } from './open-bytes.ts';
import { privateMode } from './write-file.ts';

/**
 * Hashes a source before anything of it is read, and gives `use` one that can be read from its beginning. A file is read
 * twice. What passes by only once - stdin, a pipe - is kept meanwhile in a file without a name, which nobody else
 * can open and which is gone with the process.
 * @throws badInputError if there is no such file, or it may not be read
 */
export async function withDigest<T>(
  source: InputSource,
  use: (again: InputSource, digest: InputDigest) => Promise<T>,
): Promise<T> {
  if (await isRegularFile(source.path)) {
    return use(source, await digestOf(source));
  }
  const kept = await openNameless();
  try {
    const digest = await digestOf(source, (chunk) => append(kept, chunk, nameOf(source)));
    const stdin = createReadStream('', { fd: kept.fd, start: 0, autoClose: false });
    return await use({ path: '-', stdin, name: nameOf(source) }, digest);
  } finally {
    await kept.close();
  }
}

const isRegularFile = (path: string): Promise<boolean> =>
  path === '-'
    ? Promise.resolve(false)
    : stat(path).then(
        (status) => status.isFile(),
        () => false, // Said where it is opened.
      );

async function append(kept: FileHandle, chunk: Uint8Array, name: string): Promise<void> {
  try {
    await kept.appendFile(chunk);
  } catch (error) {
    throw systemError(error, `${name} cannot be kept in ${tmpdir()} while it is read`) ?? error;
  }
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `quota-${randomBytes(16).toString('hex')}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(path, flags, privateMode);
  await rm(path);
  return file;
}
