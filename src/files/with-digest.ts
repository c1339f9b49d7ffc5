import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { badInputError } from '../errors.ts';
import { systemError } from '../system-error.ts';
import { digestOf } from './digest.ts';
import type { InputDigest, InputSource } from './input.ts';
import { nameOf } from './open-bytes.ts';
import { privateMode } from './write-file.ts';

/**
 * Hashes a source before anything of it is read, and gives `use` one that can be read from its beginning. A file is read
 * twice. What passes by only once - stdin, a pipe - is kept meanwhile in a file without a name, which nobody else
 * can open and which is gone with the process.
 * @throws badInputError if there is no such file, it may not be read, or is a device
 */
export async function withDigest<T>(
  source: InputSource,
  use: (again: InputSource, digest: InputDigest) => Promise<T>,
): Promise<T> {
  const kind = await kindOf(source.path);
  if (kind === 'file') {
    return use(source, await digestOf(source));
  }
  if (kind === 'device') {
    throw badInputError(`${nameOf(source)}: is a device, which never ends`, { suggestion: 'name a file' });
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

const kindOf = (path: string): Promise<'file' | 'device' | 'passing'> =>
  path === '-'
    ? Promise.resolve('passing')
    : stat(path).then(
        (status) => (status.isFile() ? 'file' : status.isCharacterDevice() ? 'device' : 'passing'),
        () => 'passing', // Said where it is opened.
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
