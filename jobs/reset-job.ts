import { prepareCache, refreshCache } from '../src/changes/outdated-cache.ts';
import { prepareDrain } from '../src/changes/provider-work.ts';
import { settleLimits } from '../src/changes/settle-limits.ts';
import type { Context } from '../src/context.ts';
import { drainOptions } from '../src/declarations/provider-options.ts';
import {
  countDueResets,
  type ResetAnchor,
  type ResetsAhead,
  resetBatch,
  type SetApart,
  selectDueResets,
  selectResetsAhead,
  selectSetApart,
} from '../src/resets/due-resets-store.ts';
import { shellWord } from '../src/shell-word.ts';
import { defineJob } from './define-job.ts';

/** Of so many each is named; the doctor names all. */
const namedMax = 20;

function warnOfSetApart({ talk }: Context, apart: readonly SetApart[]): void {
  for (const { externalId, service, timezone, zonedPlan } of apart.slice(0, namedMax)) {
    const mending =
      zonedPlan === null
        ? `quota user edit ${shellWord(externalId)} --timezone ZONE`
        : `quota plan apply with another timezone of ${zonedPlan}`;
    talk.warn(
      `${externalId} was not reset (${service}): the server does not know the time zone "${timezone}". ${mending} mends it`,
    );
  }
  if (apart.length > namedMax) {
    talk.warn(`and ${apart.length - namedMax} more: quota doctor names them`);
  }
}

/** The clock was ahead, and is right again: nothing else would tell before their periods are over. */
function warnOfAhead({ talk }: Context, ahead: ResetsAhead | null): void {
  if (ahead !== null) {
    const were =
      ahead.subscriptions === 1 ? '1 subscription was' : `${ahead.subscriptions} subscriptions were`;
    talk.warn(
      `${were} reset by a clock that was ahead, at ${ahead.lastResetAt}, and will not be again until then. quota jobs reopen --after now takes that back; --dry-run first`,
    );
  }
}

/**
 * A job that resets the subscriptions whose periods, anchored so, are over:
 * `{runId, asOf, due, reset, periodsCaughtUp, assistants: {queued, restored, failed}, durationMs}`
 */
export const resetJob = (name: string, schedule: string, summary: string, anchor: ResetAnchor) =>
  defineJob({
    name,
    summary,
    schedule,
    unit: 'subscriptions',
    scope: 'user',
    batchSizeDefault: 250,
    options: drainOptions,
    countDue: (client, scope) => countDueResets(client, anchor, scope),
    listDue: (client, scope, limit) => selectDueResets(client, anchor, scope, limit),
    async withWork(context, options, use) {
      const setup = await prepareDrain(context, options);
      return use({
        runBatch: async (client, request) => {
          await prepareCache(context, client);
          return resetBatch(client, anchor, request);
        },
        settle: async (client, run) => {
          await refreshCache(context, client);
          const settled = await settleLimits(context, { client, setup, run, desired: 'original' }, options);
          const apart = await selectSetApart(client, anchor, { userId: run.userIds?.[0] ?? null });
          warnOfSetApart(context, apart);
          warnOfAhead(context, await selectResetsAhead(client));
          return {
            counts: { ...settled.counts, setApart: apart.length },
            left: settled.left + apart.length,
          };
        },
        unsettledText:
          'things are left: assistants that wait, or users whose time zone the server does not know',
      });
    },
    report: ({ runId, asOf, due, done, counts, durationMs }) => ({
      runId,
      asOf,
      due,
      reset: done,
      periodsCaughtUp: counts.periodsCaughtUp ?? 0,
      assistants: {
        queued: counts.assistantsQueued ?? 0,
        restored: counts.assistantsRestored ?? 0,
        failed: counts.assistantsFailed ?? 0,
      },
      durationMs,
    }),
  });
