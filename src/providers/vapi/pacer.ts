import type { VapiRuntime } from './runtime.ts';

/**
 * Turns are spaced 4 % wider than the rate asks for: a timer that fires late and a network that is uneven bring
 * two requests closer together, and without that room a provider that counts strictly per second would refuse
 * one in a while, each refusal costing a whole Retry-After.
 */
const spacingMargin = 1.04;

/** A turn that comes at most this late is made up for; a longer stall moves the schedule instead of making a burst. */
const catchUpMsMax = 10;

/**
 * Hands out turns at an even distance, `ratePerSecond` of them a second, to any number of callers in the order
 * in which they asked.
 *
 * p-queue's `interval` was measured for this and does not fit: it forgets the interval as soon as its queue is
 * empty (a caller that awaits each request got 36 turns in a second at a cap of 20), its strict mode bursts 24,
 * and it cannot be held back for a Retry-After.
 */
export class Pacer {
  static readonly #shared = new WeakMap<VapiRuntime, Map<string, Pacer>>();

  /**
   * The turns of an organisation at a rate. Clients of one process share them, as those of one shard after another do:
   * the provider counts all their requests.
   * @param organisation what tells it from others: where it is asked, and its key
   */
  static of(organisation: string, ratePerSecond: number, runtime: VapiRuntime): Pacer {
    const pacers = Pacer.#shared.get(runtime) ?? new Map<string, Pacer>();
    Pacer.#shared.set(runtime, pacers);
    const key = `${ratePerSecond} ${organisation}`;
    const pacer = pacers.get(key) ?? new Pacer(ratePerSecond, runtime);
    pacers.set(key, pacer);
    return pacer;
  }

  readonly #spacingMs: number;
  readonly #runtime: VapiRuntime;
  #nextMs = Number.NEGATIVE_INFINITY;
  #line: Promise<unknown> = Promise.resolve();

  constructor(ratePerSecond: number, runtime: VapiRuntime) {
    this.#spacingMs = (1000 / ratePerSecond) * spacingMargin;
    this.#runtime = runtime;
  }

  /** Resolves when it is the caller's turn; rejects with the signal's reason, using up no turn, when it aborts. */
  turn(signal?: AbortSignal): Promise<void> {
    const turn = this.#line.then(() => this.#take(signal));
    this.#line = turn.catch(() => undefined);
    return turn;
  }

  /** Nobody gets a turn before `untilMs` (epoch): the provider asked for a pause, and it counts all our requests. */
  holdUntil(untilMs: number): void {
    this.#nextMs = Math.max(this.#nextMs, untilMs);
  }

  async #take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    // A loop: while this caller slept, another's 429 may have moved the schedule.
    for (let waitMs = this.#waitMs(); waitMs > 0; waitMs = this.#waitMs()) {
      await this.#runtime.sleep(waitMs, signal);
    }
    this.#nextMs = Math.max(this.#nextMs, this.#runtime.nowMs() - catchUpMsMax) + this.#spacingMs;
  }

  #waitMs(): number {
    return this.#nextMs - this.#runtime.nowMs();
  }
}
