import type pg from 'pg';
import { createFile } from '../files/write-file.ts';
import { rejectsCsv } from './staging-store.ts';

/**
 * Writes the bad lines to a new file, then loads the others; takes the file away again if that fails. The file is open
 * before the database is asked for the lines: a copy that nobody reads would never end.
 * @throws refusedError if the file is there already, usageError or tryAgainError if it cannot be written
 */
export async function withRejects<Report extends { rejectsFile: string | null }>(
  client: pg.ClientBase,
  path: string,
  load: () => Promise<Report>,
): Promise<Report> {
  return createFile(path, async (write) => {
    for await (const piece of rejectsCsv(client)) {
      await write(piece);
    }
    return { ...(await load()), rejectsFile: path };
  });
}
