import type pg from 'pg';

/** What a store needs of a connection. */
export type Queries = Pick<pg.ClientBase, 'query'>;

/**
 * One connection for several tasks at once: each statement waits for the one before. Only for statements that are
 * transactions of their own, since those of other tasks come in between.
 */
export function serialQueries(client: pg.ClientBase): Queries {
  let last: Promise<unknown> = Promise.resolve();
  const query = (...args: Parameters<pg.ClientBase['query']>) => {
    const result = last.then(() => client.query(...args));
    last = (result as Promise<unknown>).catch(() => {});
    return result;
  };
  return { query: query as unknown as Queries['query'] };
}
