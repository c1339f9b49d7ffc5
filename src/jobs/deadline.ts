import { tryAgainError } from '../errors.ts';

export interface Deadline {
  /** Aborts when the time is over, with what to say where nothing else can be said any more. */
  readonly signal: AbortSignal;
  cancel(): void;
}

/** Of a run that may take so long; undefined: as long as it takes. */
export function startDeadline(job: string, seconds: number | undefined): Deadline {
  const controller = new AbortController();
  const end = () =>
    controller.abort(
      tryAgainError(`${job} has reached its deadline while it waited`, {
        detail: 'the database, or what somebody has locked in it, did not answer in time',
        suggestion: 'run it again, it goes on where it stopped; or give it a longer --max-duration',
      }),
    );
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
  return { signal: controller.signal, cancel: () => clearTimeout(timer) };
}
