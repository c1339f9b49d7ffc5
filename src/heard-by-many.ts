import { setMaxListeners } from 'node:events';

/**
 * A signal that as much as is done at once listens to: requests, programs, sleeps. Node takes the eleventh listener for a
 * leak, and says so on stderr.
 */
export function heardByMany<Signal extends AbortSignal>(signal: Signal): Signal {
  setMaxListeners(0, signal);
  return signal;
}
