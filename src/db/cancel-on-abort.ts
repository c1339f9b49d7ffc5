import pg from 'pg';

/** A statement that ignores the request loses its connection after this time. */
const cancelTimeoutMs = 2000;

/** The part of pg that its types leave out: the cancel request of the protocol goes over a connection of its own. */
interface Cancellable {
  activeQuery: unknown;
  cancel(client: pg.Client, query: unknown): void;
}

/** Cancels the running statement of the client when the signal aborts during `use`. */
export async function cancelOnAbort<T>(
  client: pg.Client,
  url: string,
  signal: AbortSignal,
  use: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const cancel = () => {
    const { activeQuery } = client as unknown as Cancellable;
    if (activeQuery) {
      const messenger = new pg.Client(url);
      messenger.on('error', () => {});
      (messenger as unknown as Cancellable).cancel(client, activeQuery);
      timer = setTimeout(() => client.end().catch(() => {}), cancelTimeoutMs);
    }
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    return await use();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
}
