import type pg from 'pg';
import { rollBack } from './transaction.ts';

type Query = (...args: unknown[]) => Promise<unknown>;

/** What is known of a connection that a pooler shares out. */
interface Pooled {
  /** Sends a statement as it is. */
  send: Query;
  isInTransaction: boolean;
  /** Transactions inside one that is kept become savepoints. */
  isKept: boolean;
}

const pooled = new WeakMap<pg.ClientBase, Pooled>();

/** Whether a pooler stands between: what is set in the session, and its locks, may be those of somebody else. */
export const isPooled = (client: pg.ClientBase): boolean => pooled.has(client);

/** Whether a transaction of a pooled connection is under way, in which the server's session is its own. */
export const isWithinTransaction = (client: pg.ClientBase): boolean =>
  pooled.get(client)?.isInTransaction === true || pooled.get(client)?.isKept === true;

const beginning = /^\s*(?:begin|start\s+transaction)\b/i;
const ending = /^\s*(?:commit|end|rollback|abort)\b(?!\s+(?:to|prepared)\b)/i;

/**
 * Lets nothing of a session outlive a transaction: behind a pooler the next transaction may run on another connection of
 * the server, and this one go to another client. Every transaction begins with the settings, in the same message; a
 * statement that stands alone gets a transaction of its own.
 * @param settings an expression that sets them until the end of the transaction
 */
export function keepToTransactions(client: pg.Client, settings: string): void {
  const send = client.query.bind(client) as unknown as Query;
  const state: Pooled = { send, isInTransaction: false, isKept: false };
  pooled.set(client, state);
  let last: Promise<unknown> = Promise.resolve();
  const begin = async (text: string) => {
    const results = await send(`${text}; select ${settings}`);
    return Array.isArray(results) ? results[0] : results;
  };
  const alone = async (args: unknown[]) => {
    await begin('begin');
    try {
      const result = await send(...args);
      await send('commit');
      return result;
    } catch (error) {
      await send('rollback').catch(() => {});
      throw error;
    }
  };
  const query: Query = (...args) => {
    const text = textOf(args[0]);
    if (state.isKept) {
      return inKept(state, text, args);
    }
    if (beginning.test(text)) {
      state.isInTransaction = true;
      return last.then(() => begin(text));
    }
    if (state.isInTransaction || isSubmittable(args[0])) {
      state.isInTransaction &&= !ending.test(text);
      return send(...args);
    }
    const result = last.then(() => alone(args));
    last = result.catch(() => {});
    return result;
  };
  Object.assign(client, { query });
}

function inKept({ send }: Pooled, text: string, args: unknown[]): Promise<unknown> {
  if (beginning.test(text)) {
    return send('savepoint quota_kept').then((result) => ({ ...(result as object), command: 'BEGIN' }));
  }
  if (ending.test(text)) {
    return /^\s*(?:rollback|abort)/i.test(text)
      ? send('rollback to savepoint quota_kept')
      : send('release savepoint quota_kept').then((result) => ({ ...(result as object), command: 'COMMIT' }));
  }
  return send(...args);
}

/**
 * Keeps one connection of the server for the time of `use`, as temporary tables need it that are used by several
 * transactions: without a pooler it is kept anyway; behind one all of it is one transaction, and theirs are parts of it.
 */
export async function withKeptSession<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  const state = pooled.get(client);
  if (state === undefined || state.isKept) {
    return use();
  }
  await client.query('begin');
  state.isKept = true;
  try {
    const result = await use();
    await state.send('commit');
    return result;
  } catch (error) {
    await rollBack({ query: state.send } as unknown as pg.ClientBase);
    throw error;
  } finally {
    state.isKept = false;
    state.isInTransaction = false;
  }
}

const textOf = (query: unknown): string =>
  typeof query === 'string' ? query : ((query as { text?: string } | undefined)?.text ?? '');

/** Streams and cursors, which pg hands back as they are. */
const isSubmittable = (query: unknown): boolean =>
  typeof query === 'object' && query !== null && 'submit' in query && typeof query.submit === 'function';
