import type pg from 'pg';
import type { Context } from '../context.ts';
import { withTransaction } from '../db/transaction.ts';
import { Patience } from './patience.ts';
import { selectUsers } from './writers-store.ts';

const waitSeconds = 10;

/**
 * Runs `use` in a transaction that puts triggers on an app's tables, or takes them off. Whoever waits for a table keeps
 * others out of it, so each attempt waits briefly, lets go of all, and comes again.
 * @throws tryAgainError when a transaction of the app does not end
 */
export const withTablesOf = <T>(
  { signal, talk }: Pick<Context, 'signal' | 'talk'>,
  client: pg.ClientBase,
  { product, what, relations }: { product: string; what: string; relations: readonly string[] },
  use: () => Promise<T>,
): Promise<T> =>
  new Patience(client, {
    product,
    what,
    waitSeconds,
    suggestions: { interrupted: 'run it again', tooLong: 'end it, or run the same command again' },
    writers: () => selectUsers(client, relations),
    signal,
    onWait: (message) => talk.info(message),
  }).with(() => withTransaction(client, use));
