import { createConnection } from 'node:net';
import type pg from 'pg';

/** A statement that ignores the request loses its connection after this time. */
const cancelTimeoutMs = 2000;

/** What the server told the client to cancel with; the types of pg leave it out. */
interface CancelKey {
  processID: number;
  secretKey: number;
}

/** Cancels the running statement of the client when the signal aborts during `use`. */
export async function cancelOnAbort<T>(
  client: pg.Client,
  signal: AbortSignal,
  use: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const cancel = () => {
    sendCancelRequest(client);
    timer = setTimeout(() => client.end().catch(() => {}), cancelTimeoutMs);
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

/**
 * Asks the server to cancel the running statement; without one, nothing happens. The request goes over a
 * connection of its own, as the protocol has it; nobody is told when it fails.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function sendCancelRequest(client: pg.Client): void {
  const { processID, secretKey } = client as unknown as CancelKey;
  const request = Buffer.alloc(16);
  [request.length, 80_877_102, processID, secretKey].forEach((number, index) => {
    request.writeUInt32BE(number >>> 0, index * 4);
  });
  const socket = client.host.startsWith('/')
    ? createConnection(`${client.host}/.s.PGSQL.${client.port}`)
    : createConnection(client.port, client.host);
  socket.on('error', () => {});
  socket.end(request);
}
