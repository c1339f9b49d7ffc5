import { type ExitCode, exitCodes } from '../errors.ts';
import { heardByMany } from '../heard-by-many.ts';
import type { ProcessLike } from './process-like.ts';

const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;

/**
 * What is not over so long after a signal hangs where no program can end it - a disk that does not answer, a reader that
 * reads nothing -: then the signal is given back to the system.
 */
const endMsMax = 4600;

export interface Interruption {
  readonly signal: AbortSignal;
  /** 130 or 143 after a signal, undefined before. */
  exitCode(): ExitCode | undefined;
  /** Somebody else has the terminal meanwhile: Ctrl-C is for them. */
  whileAway<T>(use: () => Promise<T>): Promise<T>;
  /** What is not over some seconds after so long is ended by the system, as after a signal. */
  endWithin(ms: number): void;
  dispose(): void;
}

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that brackets close and transactions end. The second
 * one is given back to the system, which ends the process at once; so is the first where five seconds do not suffice.
 */
export function listenForSignals(process: ProcessLike): Interruption {
  const controller = new AbortController();
  let code: ExitCode | undefined;
  let isAway = false;
  const listener = (name: NodeJS.Signals) => {
    if (isAway && name === 'SIGINT') {
      return;
    }
    if (code !== undefined) {
      giveBack(name);
      return;
    }
    code = codes[name as keyof typeof codes];
    endWithin(endMsMax, name);
    controller.abort();
  };
  // Kept waiting by nothing but what hangs: a process that is done ends before.
  const endWithin = (ms: number, name: NodeJS.Signals) => void setTimeout(giveBack, ms, name).unref();
  const giveBack = (name: NodeJS.Signals) => {
    dispose();
    process.kill(process.pid, name);
  };
  const dispose = () => {
    process.off('SIGINT', listener);
    process.off('SIGTERM', listener);
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  const whileAway = async <T>(use: () => Promise<T>): Promise<T> => {
    isAway = true;
    try {
      return await use();
    } finally {
      isAway = false;
    }
  };
  return {
    signal: heardByMany(controller.signal),
    exitCode: () => code,
    whileAway,
    endWithin: (ms) => endWithin(ms + endMsMax, 'SIGTERM'),
    dispose,
  };
}
