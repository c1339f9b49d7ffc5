import { type ExitCode, exitCodes } from '../errors.ts';

/** Somebody outside who is told of runs, and calls when none comes. */
export interface Monitor {
  start(): Promise<void>;
  /** With what the run had to say, of which the monitor keeps the end. */
  end(exitCode: ExitCode, words: string): Promise<void>;
}

const timeoutMs = 5_000;
/** After a signal nobody waits long for it. */
const timeoutMsInterrupted = 500;
/** What healthchecks.io keeps of a message. https://healthchecks.io/docs/attaching_logs/ */
const wordsMax = 10_000;

/**
 * Tells a monitor that speaks the protocol of healthchecks.io: the URL itself for success, `/start`, `/fail`, and `/log`
 * for a run that is to be repeated, which is neither. https://healthchecks.io/docs/http_api/
 * Nothing that the monitor does or does not do touches the run: `warn` gets what went wrong. Once `interrupted` aborts, it
 * is waited for no longer than half a second.
 */
export function createMonitor(
  url: string,
  warn: (message: string) => void,
  interrupted: AbortSignal,
): Monitor {
  const tell = async (suffix: string, words: string) => {
    const target = new URL(url);
    target.pathname = `${target.pathname.replace(/\/+$/, '')}${suffix}`;
    const controller = new AbortController();
    const timers = [setTimeout(() => controller.abort(noAnswer()), timeoutMs)];
    const hurry = () => {
      timers.push(setTimeout(() => controller.abort(noAnswer()), timeoutMsInterrupted));
    };
    if (interrupted.aborted) {
      hurry();
    } else {
      interrupted.addEventListener('abort', hurry, { once: true });
    }
    try {
      const response = await fetch(target, {
        method: 'POST',
        body: words.slice(-wordsMax),
        signal: controller.signal,
      });
      await response.body?.cancel();
      if (!response.ok) {
        warn(`the monitor at ${target.host} answered ${response.status}`);
      }
    } catch (error) {
      warn(`the monitor at ${target.host} was not told: ${reasonOf(error)}`);
    } finally {
      timers.forEach(clearTimeout);
      interrupted.removeEventListener('abort', hurry);
    }
  };
  return {
    start: () => tell('/start', ''),
    end: (exitCode, words) => tell(suffixOf(exitCode), words),
  };
}

const noAnswer = () => new Error('it did not answer in time');

function suffixOf(exitCode: ExitCode): string {
  if (exitCode === exitCodes.ok) {
    return '';
  }
  return exitCode === exitCodes.tryAgain ? '/log' : '/fail';
}

/** `fetch` hides why it failed. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
