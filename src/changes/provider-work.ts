import type pg from 'pg';
import type { Context } from '../context.ts';
import { countQueued, type QueueScope } from '../enforcement/claim-store.ts';
import { QuotaError } from '../errors.ts';
import { type LimitsOptions, type LimitsRun, type LimitsSetup, openLimits, runLimits } from './limits-run.ts';

/** Of commands that queue provider work and drain it at once, such as resets. */
export interface DrainAfterOptions extends LimitsOptions {
  /** False with `--no-sync`: what is queued is left for `limits sync`. */
  sync?: boolean;
}

/** What became of what was queued. */
export interface DrainedAfter extends Pick<LimitsRun, 'results' | 'unchanged'> {
  /** Assistants left queued that were to be done: exit code 75. */
  unfinished: number;
}

/**
 * To be called before anything is touched. Without a key the work is queued all the same: undefined then, and with
 * `--no-sync`.
 * @throws configurationError for a limited state that cannot be used.
 */
export async function prepareDrain(
  context: Context,
  options: DrainAfterOptions,
): Promise<LimitsSetup | undefined> {
  const { sync = true } = options;
  return sync && context.settings.vapiApiKey !== undefined ? openLimits(context, options) : undefined;
}

export interface DrainAfterWork {
  client: pg.ClientBase;
  /** Of `prepareDrain`. */
  setup: LimitsSetup | undefined;
  scope: QueueScope;
  /** Whether limited assistants are looked at again. */
  recheck?: { afterSeconds: number | undefined } | undefined;
  jobRun?: string | undefined;
  /** Ends it early; default: that of the command. */
  signal?: AbortSignal | undefined;
}

/** Drains what was queued. What was done before stands, whatever VAPI says: nothing of that is thrown. */
export async function drainAfter(
  context: Context,
  { client, setup, scope, recheck, jobRun, signal }: DrainAfterWork,
  { sync = true }: DrainAfterOptions,
): Promise<DrainedAfter> {
  const countLeft = async () => {
    const { pending, failed } = await countQueued(client, scope);
    return pending + failed;
  };
  const queued = await countLeft();
  const nothing = { results: [], unchanged: 0 };
  if (!sync || (queued === 0 && recheck === undefined)) {
    return { ...nothing, unfinished: 0 };
  }
  if (setup === undefined) {
    if (queued > 0) {
      context.talk.warn(
        `${queued} assistants are left queued because VAPI_API_KEY is not set: set it, then run quota limits sync`,
      );
    }
    return { ...nothing, unfinished: queued };
  }
  try {
    const { results, unchanged } = await runLimits(context, setup, {
      client,
      scope,
      recheck: recheck !== undefined,
      recheckAfterSeconds: recheck?.afterSeconds,
      jobRun,
      signal,
    });
    // What failed just now need not be due again yet.
    const failed = scope.dueOnly ? results.filter(({ status }) => status === 'failed').length : 0;
    return { results, unchanged, unfinished: failed + (await countLeft()) };
  } catch (error) {
    if (!(error instanceof QuotaError)) {
      throw error;
    }
    context.talk.warn(`${queued} assistants are left queued: ${error.message}`);
    return { ...nothing, unfinished: Math.max(queued, 1) };
  }
}
