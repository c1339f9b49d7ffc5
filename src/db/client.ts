import type pg from 'pg';
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
  try {
    onOpen?.(opened);
    return await use(opened.client);
  } finally {
    endWatch();
    await endClient(opened.client);
  }
}
