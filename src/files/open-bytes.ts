import { createReadStream } from 'node:fs';
import { badInputError, type QuotaError } from '../errors.ts';
import type { InputSource } from './input.ts';

/**
 * So many bytes of a file are read at a time. With four times as many, rows and lines outlive the collections of new
 * objects, and reading takes a sixth longer.
 */
export const chunkBytes = 64 * 1024;

export const nameOf = ({ path, name }: InputSource): string => name ?? (path === '-' ? 'stdin' : path);

/** What to say where a file cannot be read: a fault of the input, or whatever else it is. */
export function readFault(name: string, error: unknown): QuotaError | Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = readFaults[code];
  if (known === undefined) {
    return error instanceof Error ? error : new Error(String(error));
  }
  return badInputError(`${name}: ${known.reason}`, { suggestion: known.suggestion, cause: error });
}

export function openBytes({ path, stdin }: InputSource): AsyncIterable<Uint8Array> {
  if (path !== '-') {
    return createReadStream(path, { highWaterMark: chunkBytes });
  }
  if (stdin === undefined) {
    throw new Error('stdin was asked for, but the caller passed none');
  }
  return stdin;
}

const damaged = 'download or compress it again';

const readFaults: Record<string, { reason: string; suggestion: string } | undefined> = {
  ENOENT: { reason: 'there is no such file', suggestion: 'check the path' },
  EISDIR: { reason: 'is a folder, not a file', suggestion: 'name the file in it' },
  ENOTDIR: { reason: 'there is no such file', suggestion: 'check the path' },
  EACCES: { reason: 'the file may not be read', suggestion: 'check its permissions' },
  Z_BUF_ERROR: { reason: 'the gzip data ends too early: the file is truncated', suggestion: damaged },
  Z_DATA_ERROR: { reason: 'the gzip data is damaged', suggestion: damaged },
};
