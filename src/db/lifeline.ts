import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type pg from 'pg';
import { unavailableError } from '../errors.ts';
import { cutOff } from './end-client.ts';
import { errorCode } from './error-code.ts';
import { isPooled, isWithinTransaction } from './pooled-client.ts';

export interface LifelineOptions {
  /** Another client for the same server and login, not yet connected. */
  another(): pg.Client;
  /** Looks so often. */
  everyMs?: number;
  /** A server that does not answer another connection within this time is not there. */
  answerMsMax?: number;
}

/**
 * So often a connection on which nothing is said is used, so that the server knows that its client lives: it ends a
 * transaction, or a session with a lock, of which it has heard nothing for a minute (`session-settings.ts`).
 */
const everyMsDefault = 15_000;
const answerMsMaxDefault = 10_000;
/** So many looks in a row have to find the connection dead. */
const strikesMax = 2;

/** What a look found. */
type Finding = 'works' | 'waits for us' | 'is not there';

/**
 * Keeps watch over a connection. A statement may take as long as it takes; but where nothing comes and nothing goes, the
 * server is asked over another connection what it is doing. When it is waiting for us as we are for it - a firewall that
 * forgot the connection, a proxy that stands still - or does not answer at all, the connection is cut off, and what
 * waits fails with unavailableError.
 * @returns ends the watch
 */
export function watchOver(
  client: pg.Client,
  { another, everyMs = everyMsDefault, answerMsMax = answerMsMaxDefault }: LifelineOptions,
): () => void {
  const stream = client.connection.stream as Socket;
  let [said, strikes] = [-1, 0];
  let isLooking = false;
  const look = async () => {
    const before = said;
    said = stream.bytesRead + stream.bytesWritten;
    const active = activeQuery(client);
    if (active === undefined) {
      strikes = 0;
      keepAlive(client);
      return;
    }
    if (said !== before || isOurTurn(active, stream)) {
      strikes = 0;
      return;
    }
    const finding = await ask(client, another(), answerMsMax);
    if (said !== stream.bytesRead + stream.bytesWritten || finding === 'works') {
      strikes = 0;
      return;
    }
    strikes += 1;
    if (strikes >= strikesMax) {
      cutOff(client, lostError(finding));
    }
  };
  const timer = setInterval(() => {
    if (!isLooking) {
      isLooking = true;
      void look().finally(() => {
        isLooking = false;
      });
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

const lostError = (finding: Finding) =>
  unavailableError('the connection to the database stands still', {
    detail:
      finding === 'waits for us'
        ? 'the server has answered, or waits for us, and nothing comes through'
        : 'the server does not answer another connection either',
    suggestion: 'look at the server and at what stands between; what was not finished was not kept',
  });

/** A statement, or the stream of a COPY. */
type Active = object | Readable | Writable;

/** The statement that is under way; the types of pg leave it out. */
const activeQuery = (client: pg.Client): Active | undefined =>
  (client as unknown as { _getActiveQuery(): Active | null | undefined })._getActiveQuery() ?? undefined;

/** A COPY whose rows come from a slow source, or go to a slow reader, waits for them and not for the server. */
const isOurTurn = (active: Active, socket: Socket): boolean =>
  ('writableEnded' in active && !active.writableEnded && socket.writableLength === 0) ||
  ('readableLength' in active && active.readableLength > 0);

/** Between transactions a pooler keeps no session that could be ended. */
function keepAlive(client: pg.Client): void {
  if (!isPooled(client) || isWithinTransaction(client)) {
    client.query('select 1').catch(() => {}); // Whatever is asked next says so.
  }
}

const absenceCodes = /^(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;
const absenceWords = /^timeout expired|^Connection terminated/;

/** Whoever answers is there, if only to say that there is no connection left; what is wrong with us tells nothing of it. */
const isAbsence = (error: unknown): boolean => {
  const code = errorCode(error);
  return code === undefined ? absenceWords.test((error as Error).message) : absenceCodes.test(code);
};

/** What the server says of the session of a client. Behind a pooler it is enough that somebody answers. */
async function ask(client: pg.Client, other: pg.Client, answerMsMax: number): Promise<Finding> {
  other.on('error', () => {});
  const timer = setTimeout(() => cutOff(other), answerMsMax);
  try {
    await other.connect();
    if (isPooled(client)) {
      return 'works';
    }
    const { rows } = await other.query<{ works: boolean | null }>(
      `select state is null or (state in ('active', 'fastpath function call') and wait_event_type is distinct from 'Client') as works
       from pg_catalog.pg_stat_activity where pid = $1`,
      [(client as unknown as { processID: number }).processID],
    );
    return rows[0]?.works === true ? 'works' : 'waits for us';
  } catch (error) {
    return isAbsence(error) ? 'is not there' : 'works';
  } finally {
    clearTimeout(timer);
    cutOff(other);
  }
}
