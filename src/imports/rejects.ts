import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { errorCode } from '../db/error-code.ts';
import { refusedError, usageError } from '../errors.ts';
import { rejectsCsv } from './staging-store.ts';

/**
 * Writes the bad lines to a new file, then loads the others; takes the file away again if that fails.
 * @throws refusedError if the file is there already
 */
export async function withRejects<Report extends { rejectsFile: string | null }>(
  client: pg.ClientBase,
  path: string,
  load: () => Promise<Report>,
): Promise<Report> {
  try {
    await pipeline(rejectsCsv(client), createWriteStream(path, { flags: 'wx' }));
  } catch (error) {
    throw writeError(path, error);
  }
  try {
    return { ...(await load()), rejectsFile: path };
  } catch (error) {
    await unlink(path);
    throw error;
  }
}

function writeError(path: string, error: unknown): unknown {
  switch (errorCode(error)) {
    case 'EEXIST':
      return refusedError(`${path} exists already: the bad lines would overwrite it`, {
        detail: 'nothing was loaded',
        suggestion: 'move it away, or name another file: --rejects FILE',
      });
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EACCES':
    case 'EROFS':
      return usageError(`${path} cannot be written`, {
        detail: `${(error as Error).message}; nothing was loaded`,
        suggestion: 'name another file for the bad lines: --rejects FILE',
      });
    default:
      return error;
  }
}
