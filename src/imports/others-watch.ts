import type pg from 'pg';
import { countTransactions } from './call-work-store.ts';

/** So many transactions of others a second are an app that is at work. */
const othersPerSecondMax = 20;
const watchMsMin = 1_000;
/** A group finds its end, and is written; what was looked at is one more. */
const transactionsOfGroup = 3;

/**
 * Two loaders take both cores of a small server, and an app that is at work there would wait longer than beside one. So they
 * take turns while there are so many transactions of others a second, and until that is known.
 */
export class OthersWatch {
  areThere = true;
  #sinceMs = performance.now();
  #transactions: number;
  #parts = 0;

  private constructor(transactions: number) {
    this.#transactions = transactions;
  }

  static async begin(client: pg.ClientBase): Promise<OthersWatch> {
    return new OthersWatch(await countTransactions(client));
  }

  /**
   * Looks, once in a while, whether others are at work in the database.
   * @param parts groups that the loaders have begun by now
   */
  async look(client: pg.ClientBase, parts: number): Promise<void> {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#sinceMs) / 1000;
    if (seconds * 1000 < watchMsMin) {
      return;
    }
    this.#sinceMs = nowMs;
    const transactions = await countTransactions(client);
    const ours = (parts - this.#parts) * transactionsOfGroup;
    this.areThere = transactions - this.#transactions - ours > othersPerSecondMax * seconds;
    this.#transactions = transactions;
    this.#parts = parts;
  }
}
