import type pg from 'pg';
import type { Context } from '../context.ts';
import { QuotaError } from '../errors.ts';
import { countQueued, type QueueCounts } from '../limits/claim-store.ts';
import { type LimitsOptions, type LimitsRun, type LimitsSetup, openLimits, runLimits } from './limits-run.ts';

/** Of commands that queue provider work and drain it at once, such as resets. */
export interface DrainAfterOptions extends LimitsOptions {
  /** False with `--no-sync`: what is queued is left for `limits sync`. */
  sync?: boolean;
}

/** What was queued, and what became of it. */
export interface DrainedAfter extends Pick<LimitsRun, 'results'> {
  left: QueueCounts;
  /** Whether something is left queued that was to be done: exit code 75. */
  isUnfinished: boolean;
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

interface Work {
  client: pg.ClientBase;
  setup: LimitsSetup | undefined;
  /** Null: everybody. */
  userIds: readonly string[] | null;
  jobRun?: string | undefined;
}

/** Drains what was queued for users. What was done before stands, whatever VAPI says: nothing of it is thrown. */
export async function drainAfter(
  context: Context,
  { client, setup, userIds, jobRun }: Work,
  { sync = true }: DrainAfterOptions,
): Promise<DrainedAfter> {
  const scope = { userIds, dueOnly: false };
  const before = await countQueued(client, scope);
  const queued = before.pending + before.failed;
  if (queued === 0 || !sync) {
    return { results: [], left: before, isUnfinished: false };
  }
  if (setup === undefined) {
    context.talk.warn(
      `${queued} assistants are left queued because VAPI_API_KEY is not set: set it, then run quota limits sync`,
    );
    return { results: [], left: before, isUnfinished: true };
  }
  try {
    const { results, left } = await runLimits(context, setup, { client, scope, recheck: false, jobRun });
    return { results, left, isUnfinished: left.pending + left.failed > 0 };
  } catch (error) {
    if (!(error instanceof QuotaError)) {
      throw error;
    }
    context.talk.warn(`${queued} assistants are left queued: ${error.message}`);
    return { results: [], left: before, isUnfinished: true };
  }
}
