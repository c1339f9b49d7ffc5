import type pg from 'pg';
import { isBrokenConnection, isServerError } from './database-error.ts';
import { endClient } from './end-client.ts';
import { watchOver } from './lifeline.ts';
import { type OpenClient, openClient } from './target/open-client.ts';

/**
 * Opens a connection for the time of `use`, and watches over it.
 * @param onOpen hears of the server that was found and how it is spoken to
 * @throws unavailableError saying where the server was looked for, never with which password; the reason of the
 * signal when it aborts before the connection is there.
 */
export async function withClient<T>(
  url: string,
  use: (client: pg.Client) => Promise<T>,
  signal?: AbortSignal,
  onOpen?: (opened: OpenClient) => void,
): Promise<T> {
  const opened = await openClient(url, signal);
  const endWatch = watchOver(opened.client, opened);
  let farewell: unknown;
  opened.client.once('error', (error) => {
    farewell = error;
  });
  try {
    onOpen?.(opened);
    return await use(opened.client);
  } catch (error) {
    // A server that ends a session between two statements says why, and the next one only that it is over.
    throw isBrokenConnection(error) && isServerError(farewell) ? farewell : error;
  } finally {
    endWatch();
    await endClient(opened.client);
  }
}
