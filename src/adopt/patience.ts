import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { hasSqlstate } from '../db/database-error.ts';
import { sqlstates } from '../db/sqlstate.ts';
import { tryAgainError } from '../errors.ts';
import { counted } from '../values/counted.ts';
import { areOpen, type Writer } from './writers-store.ts';

const pauseMsFirst = 100;
const pauseMsMax = 1_000;
/** Nobody is told of what is over before that. */
const silentMs = 2_000;
const shownMax = 3;
/** No wait for a lock of ours is over before that. */
const lockMsMin = 250;
/** Whoever cancels more often than that means it. */
const cancelsMax = 3;

export interface PatienceOptions {
  product: string;
  /** What waits: "the backfill of shop". */
  what: string;
  waitSeconds: number;
  /** Where it is interrupted, and where it has waited for too long. */
  suggestions: { interrupted: string; tooLong: string };
  /** Who has written to the app's tables and may be in the way. */
  writers: () => Promise<Writer[]>;
  signal: AbortSignal;
  onWait: (message: string) => void;
}

/** What waits for the app: its open transactions hold rows, users and links, and nobody can say for how long. */
export class Patience {
  readonly #client: pg.ClientBase;
  readonly #options: PatienceOptions;
  #hasTold = false;

  constructor(client: pg.ClientBase, options: PatienceOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** @throws tryAgainError at a signal */
  goOn(): void {
    const { what, signal, suggestions } = this.#options;
    if (signal.aborted) {
      throw tryAgainError(`${what} was interrupted`, { suggestion: suggestions.interrupted });
    }
  }

  /**
   * Tries again for as long as somebody else holds what is needed; in between nothing is held, and the app goes on. A wait
   * that is over at the moment at which another begins is told by the server as if somebody had cancelled the statement.
   * @throws tryAgainError when that takes too long
   */
  async with<T>(use: () => Promise<T>, onBusy: () => void = () => {}): Promise<T> {
    let cancels = 0;
    for (const pause = this.#pause(); ; ) {
      const beganMs = performance.now();
      try {
        return await use();
      } catch (error) {
        const isWaitOver = () =>
          hasSqlstate(error, sqlstates.query_canceled) &&
          !this.#options.signal.aborted &&
          performance.now() - beganMs >= lockMsMin &&
          ++cancels <= cancelsMax;
        if (!isBusy(error) && !isWaitOver()) {
          throw error;
        }
      }
      onBusy();
      await pause(this.#options.writers);
    }
  }

  /**
   * Waits for transactions that have written to the app's tables: who took a row away, or changed its key, and could not
   * tell it at once, leaves word of it that nobody sees before the end.
   * @throws tryAgainError when one of them does not end
   */
  async awaitWriters(): Promise<void> {
    let writers = await this.#options.writers();
    for (const pause = this.#pause(); ; ) {
      writers = await areOpen(this.#client, writers);
      if (writers.length === 0) {
        return;
      }
      await pause(async () => writers);
    }
  }

  #pause() {
    const beganMs = performance.now();
    let pauseMs = pauseMsFirst;
    return async (who: () => Promise<readonly Writer[]>) => {
      this.goOn();
      const waitedMs = performance.now() - beganMs;
      const { product, waitSeconds, suggestions, onWait } = this.#options;
      if (waitedMs > waitSeconds * 1_000) {
        throw tryAgainError(`a transaction that uses the tables of ${product} does not end`, {
          detail: shown(await who()),
          suggestion: suggestions.tooLong,
        });
      }
      if (waitedMs > silentMs && !this.#hasTold) {
        this.#hasTold = true;
        onWait(`waiting for a transaction that uses the tables of ${product}: ${shown(await who())}`);
      }
      await sleep(pauseMs);
      pauseMs = Math.min(2 * pauseMs, pauseMsMax);
    };
  }
}

const isBusy = (error: unknown) =>
  [sqlstates.lock_not_available, sqlstates.deadlock_detected].some((code) => hasSqlstate(error, code));

function shown(writers: readonly Writer[]): string {
  const names = [...new Set(writers.map(({ name }) => name))];
  const others = names.length > shownMax ? [counted(names.length - shownMax, 'other')] : [];
  return names.length === 0
    ? 'who it is cannot be told'
    : [...names.slice(0, shownMax), ...others].join('; ');
}
