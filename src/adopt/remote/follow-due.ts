import type pg from 'pg';
import { databaseError } from '../../db/database-error.ts';
import { withSavepoint } from '../../db/transaction.ts';
import { configurationError, exitCodes, unavailableError } from '../../errors.ts';
import type { AppDatabases } from './app-databases.ts';
import { lookAt, SourceFault } from './follow.ts';
import { type DueSource, noteUnfollowed, selectToFollow } from './follow-store.ts';

const sourcesMax = 1_000;

/**
 * Looks at the next source that is due, a page, within the transaction of the caller. One that cannot be read is noted,
 * and keeps no other back. No look: all have been looked at, or somebody else is at them.
 * @throws what our own database answers
 */
export async function lookAtNext(
  client: pg.ClientBase,
  databases: AppDatabases,
  { pageRows, redact }: { pageRows: number; redact: (text: string) => string },
): Promise<{ looks: number; rows: number; failures: Error[] }> {
  const failures: Error[] = [];
  for (const source of await selectToFollow(client, sourcesMax)) {
    const app = databases.get(source.product);
    if (app === undefined) {
      continue; // Attached since the run began.
    }
    try {
      if (app instanceof Error) {
        throw new SourceFault(app.message, { cause: app });
      }
      const look = await withSavepoint(client, () => lookAt(client, app, source.id, pageRows));
      if (look !== null) {
        return { looks: 1, rows: look.rows, failures };
      }
    } catch (error) {
      if (!(error instanceof SourceFault)) {
        throw error;
      }
      await noteUnfollowed(client, source.id, redact(error.message));
      failures.push(failureOf(source, error.cause));
    }
  }
  return { looks: 0, rows: 0, failures };
}

function failureOf({ product, relation }: DueSource, cause: unknown): Error {
  const known = databaseError(cause) ?? cause;
  const { message } = known as Error;
  const isAway = (known as { exitCode?: number }).exitCode === exitCodes.unavailable;
  return (isAway ? unavailableError : configurationError)(
    `${relation} of ${product} cannot be read: ${message}`,
    {
      suggestion: isAway
        ? 'look at that database; the next run reads what was missed'
        : 'look at its rights, or correct the mapping and attach it again: quota adopt attach FILE',
    },
  );
}
