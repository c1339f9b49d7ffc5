import { type ExitCode, exitCodes } from '../errors.ts';
import type { ProcessLike } from './process-like.ts';

const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;

export interface Interruption {
  readonly signal: AbortSignal;
  /** 130 or 143 after a signal, undefined before. */
  exitCode(): ExitCode | undefined;
  /** Somebody else has the terminal meanwhile: Ctrl-C is for them. */
  whileAway<T>(use: () => Promise<T>): Promise<T>;
  dispose(): void;
}

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that brackets close and transactions end. The second
 * one is given back to the system, which ends the process at once.
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
      dispose();
      process.kill(process.pid, name);
      return;
    }
    code = codes[name as keyof typeof codes];
    controller.abort();
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
  return { signal: controller.signal, exitCode: () => code, whileAway, dispose };
}
