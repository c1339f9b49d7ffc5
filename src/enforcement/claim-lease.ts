import type { Queries } from '../db/serial-queries.ts';
import { renewClaims } from './claim-store.ts';

/** How long a claim outlives its worker. A killed run's assistants wait this long at most. */
export const leaseSeconds = 15;
const renewEveryMs = 5000;
/** A claim that was not renewed for this long may be another's by now: nothing more is sent under it. */
const trustMs = 10_000;

/** The claims of one run: prolonged as long as its process lives, and known to be lost when it stood still. */
export class ClaimLease {
  readonly #queries: Queries;
  readonly #run: string;
  readonly #heldSinceMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #renewal: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(queries: Queries, run: string) {
    this.#queries = queries;
    this.#run = run;
    this.#timer = setInterval(() => {
      this.#renewal = this.#renew();
    }, renewEveryMs);
  }

  /** Makes a claim and keeps it prolonged until `drop`. */
  async claim<Task extends { assistantId: string }>(
    make: () => Promise<Task | undefined>,
  ): Promise<Task | undefined> {
    const beganMs = performance.now();
    const task = await make();
    if (task !== undefined) {
      this.#heldSinceMs.set(task.assistantId, beganMs);
    }
    return task;
  }

  drop(assistantId: string): void {
    this.#heldSinceMs.delete(assistantId);
  }

  /** Whether it is certain that nobody else works on an assistant. */
  isHeld(assistantId: string): boolean {
    const sinceMs = this.#heldSinceMs.get(assistantId);
    return sinceMs !== undefined && performance.now() - sinceMs < trustMs;
  }

  /** @throws what made a renewal fail. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewal;
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
  }

  async #renew(): Promise<void> {
    const beganMs = performance.now();
    try {
      for (const assistantId of await renewClaims(this.#queries, this.#run, leaseSeconds)) {
        if (this.#heldSinceMs.has(assistantId)) {
          this.#heldSinceMs.set(assistantId, beganMs);
        }
      }
    } catch (error) {
      this.#failure ??= error;
    }
  }
}
