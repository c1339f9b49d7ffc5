import { createConnection } from 'node:net';
import type pg from 'pg';
import { QuotaError, unavailableError } from '../errors.ts';
import { hasSqlstate } from './database-error.ts';
import { cutOff } from './end-client.ts';
import { sqlstates } from './sqlstate.ts';

/** A statement that does not heed the request loses its connection after this time. */
const heedMs = 1200;
/** The request itself is given up after this time: behind a connection that stands still it never arrives. */
const requestMs = 3000;

/** What the server told the client to cancel with; the types of pg leave it out. */
interface CancelKey {
  processID: number;
  secretKey: number;
}

/** How long what is under way when the signal aborts is left alone: a batch of a job comes to its end in that. */
export const finishMsMax = 2300;

/**
 * When the signal aborts during `use`, the running statement is cancelled after `graceMs`; where that does not help - a
 * connection that stands still, a server that does not answer - the connection is cut off a second later. So whatever
 * waits for the database ends.
 */
export async function cancelOnAbort<T>(
  client: pg.Client,
  signal: AbortSignal,
  use: () => Promise<T>,
  graceMs = 0,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const cancel = () => {
    sendCancelRequest(client);
    timer = setTimeout(() => cutOff(client, unheardError(signal)), heedMs);
  };
  const onAbort = () => {
    if (graceMs === 0) {
      cancel();
    } else {
      timer = setTimeout(cancel, graceMs);
    }
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await use();
  } catch (error) {
    // The server knows no more than that somebody asked for it; a deadline says so itself.
    const isCancelled = signal.aborted && hasSqlstate(error, sqlstates.query_canceled);
    throw isCancelled && signal.reason instanceof QuotaError ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** What was to end the work says so itself; else the database is to blame. */
const unheardError = ({ reason }: AbortSignal): QuotaError =>
  reason instanceof QuotaError
    ? reason
    : unavailableError('the database did not answer when it was to stop', {
        suggestion: 'look at the database server and run the same command again',
      });

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
  socket.setTimeout(requestMs, () => socket.destroy());
  socket.end(request);
}
