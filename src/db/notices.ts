import type pg from 'pg';
import { isPooled } from './pooled-client.ts';

/** What ended a wait for a notice. */
export type NoticeWait = 'notice' | 'time' | 'lost' | 'interrupted';

/** Listens to a channel on a connection of its own, and keeps what comes while nobody waits. */
export class Notices {
  #isHeard = false;
  #isLost = false;
  #wake: (() => void) | undefined;

  private constructor(client: pg.Client) {
    client.on('notification', () => {
      this.#isHeard = true;
      this.#wake?.();
    });
    client.on('end', () => {
      this.#isLost = true;
      this.#wake?.();
    });
  }

  /** @param channel trusted: it becomes part of the statement */
  static async listen(client: pg.Client, channel: string): Promise<Notices> {
    const notices = new Notices(client);
    // A pooler has no place for whoever listens: then only the clock wakes.
    if (!isPooled(client)) {
      await client.query(`listen ${channel}`);
    }
    return notices;
  }

  /** Waits for a notice, also one that has come since the last wait, at most for so long. */
  async wait(forMs: number, signal: AbortSignal): Promise<NoticeWait> {
    if (!this.#isHeard && !this.#isLost && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, forMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener('abort', this.#wake, { once: true });
      });
      signal.removeEventListener('abort', this.#wake ?? (() => {}));
      this.#wake = undefined;
    }
    const isHeard = this.#isHeard;
    this.#isHeard = false;
    if (signal.aborted) {
      return 'interrupted';
    }
    return this.#isLost ? 'lost' : isHeard ? 'notice' : 'time';
  }
}
