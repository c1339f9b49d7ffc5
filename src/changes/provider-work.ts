import type pg from 'pg';
import type { Context } from '../context.ts';
import { countQueued, type QueueScope, selectQueued } from '../enforcement/claim-store.ts';
import type { LimitOutcome } from '../enforcement/limit-task.ts';
import { selectWaitingUsers } from '../enforcement/waiting-store.ts';
import { type ExitCode, exitCodes, QuotaError } from '../errors.ts';
import { type AssistantWork, selectWork } from '../resets/reset-store.ts';
import { counted } from '../values/counted.ts';
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

/** The provider work of some users, done at once after a change that frees or limits them. */
export interface UserWork {
  assistants: AssistantWork[];
  /** Left queued: exit code 75. */
  unfinished: number;
}

/** Of `openProviderWork`. */
export interface ProviderWork {
  setup: LimitsSetup | undefined;
  options: DrainAfterOptions;
  isKeyOptional: boolean;
}

/**
 * Opens what a change needs for the provider work that it queues, before anything is touched; for a dry run nothing.
 * @param key `wanted`: without one, work that is left is a failure. `optional`: it is left for `limits sync`, and said.
 */
export const openProviderWork = async (
  context: Context,
  options: DrainAfterOptions & { dryRun?: boolean },
  key: 'wanted' | 'optional',
): Promise<ProviderWork> => ({
  setup: options.dryRun ? undefined : await prepareDrain(context, options),
  options,
  isKeyOptional: key === 'optional',
});

/** Does what is queued for a user, and tells what became of each assistant. */
export async function drainUser(
  context: Context,
  client: pg.ClientBase,
  userId: string,
  { options, ...work }: ProviderWork,
): Promise<UserWork> {
  const scope = { userIds: [userId], dueOnly: false };
  const queued = await selectQueued(client, scope);
  const { unfinished } = await drainAfter(context, { ...work, client, scope }, options);
  const ids = queued.map(({ assistantId }) => assistantId);
  return { assistants: await selectWork(client, ids), unfinished };
}

/** How the provider work of many users went. */
export interface WorkCounts {
  limited: number;
  restored: number;
  failed: number;
  /** Left for `limits sync`. */
  queued: number;
}

export interface PlansWork {
  counts: WorkCounts;
  /** Left queued although it was to be done: exit code 75. */
  unfinished: number;
}

/** Does what is queued for the users of some plans. */
export async function drainPlans(
  context: Context,
  client: pg.ClientBase,
  plans: readonly string[],
  { options, ...work }: ProviderWork,
): Promise<PlansWork> {
  const scope = { userIds: await selectWaitingUsers(client, plans), dueOnly: false };
  const { results, unfinished } = await drainAfter(context, { ...work, client, scope }, options);
  const count = (status: LimitOutcome) => results.filter((result) => result.status === status).length;
  const { pending, failed } = await countQueued(client, scope);
  const counts = { limited: count('applied'), restored: count('restored'), failed: count('failed') };
  return { counts: { ...counts, queued: pending + failed }, unfinished };
}

/** `2 limited, 14 restored, 1 failed`, without what there is none of. */
export const workText = (counts: WorkCounts): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');

/** Provider work that was to be done and is left asks to be run again. */
export const workExitCode = (unfinished: number): ExitCode =>
  unfinished > 0 ? exitCodes.tryAgain : exitCodes.ok;

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
  /** Without a key work is left as a matter of course. */
  isKeyOptional?: boolean;
}

/** Drains what was queued. What was done before stands, whatever VAPI says: nothing of that is thrown. */
export async function drainAfter(
  context: Context,
  { client, setup, scope, recheck, jobRun, signal, isKeyOptional = false }: DrainAfterWork,
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
      const say = isKeyOptional ? context.talk.info : context.talk.warn;
      say(
        `${counted(queued, 'assistant is', 'assistants are')} left queued because VAPI_API_KEY is not set: set it, then run quota limits sync`,
      );
    }
    return { ...nothing, unfinished: isKeyOptional ? 0 : queued };
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
    context.talk.warn(`${counted(queued, 'assistant is', 'assistants are')} left queued: ${error.message}`);
    return { ...nothing, unfinished: Math.max(queued, 1) };
  }
}
