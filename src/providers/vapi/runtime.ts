import { setTimeout as wait } from 'node:timers/promises';

/** What the client takes from the world besides the network, so that a test can hold time and luck still. */
export interface VapiRuntime {
  /** Milliseconds since the epoch; must never run backwards. */
  nowMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1), for jitter. */
  random(): number;
}

/** Real time and luck. The clock is the monotonic one, so that a corrected system clock cannot stall the pacing. */
export const systemRuntime: VapiRuntime = {
  nowMs: () => performance.timeOrigin + performance.now(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, { signal });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
  random: Math.random,
};
