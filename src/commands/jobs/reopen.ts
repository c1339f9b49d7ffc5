import { meantUser } from '../../asking/meant-user.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { withTransaction } from '../../db/transaction.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { requiredValue } from '../../declarations/option.ts';
import { userOption } from '../../declarations/user-argument.ts';
import { type AheadReset, reopenAfter, selectResetsAfter } from '../../resets/reopen-store.ts';
import { counted } from '../../values/counted.ts';
import { parseInstant } from '../../values/option-values.ts';

const namedMax = 10;

const taken = (applied: { subscriptions: number; periods: number } | undefined) =>
  applied ?? { subscriptions: 0, periods: 0 };

/** `quota jobs reopen`: `{after, dryRun, resets: [{externalId, service, lastResetAt}], subscriptions, periods}` */
export const jobsReopen = defineCommand(
  {
    options: {
      ...changeOptions,
      ...userOption,
      after: requiredValue('instant', 'take back what resets dated after it closed', parseInstant),
    },
    examples: [
      [
        'quota jobs reopen --after 2026-11-28T12:00:00Z --dry-run',
        'whom a run with a clock that was ahead has reset',
      ],
      [
        'quota jobs reopen --after 2026-11-28T12:00:00Z --reason "the clock of the host" --yes',
        'and undo it',
      ],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: requiredReason('taking resets back', 'the clock of the host was ahead'),
      plan: async ({ client }) => {
        const userId =
          options.user === undefined ? null : (await meantUser(context, client, options.user)).id;
        return { userId, resets: await selectResetsAfter(client, options.after, userId) };
      },
      isNothing: ({ resets }) => resets.length === 0,
      describe: ({ resets }) => ({
        action: `Take back the resets of ${counted(resets.length, 'subscription')} that are dated after ${options.after}`,
        name: 'reopen',
        lines: resetLines(resets),
      }),
      apply: ({ client }, { userId }, { reason }) =>
        withTransaction(client, () => reopenAfter(client, options.after, reason, userId)),
      report: ({ plan: { resets }, applied, dryRun }) => ({
        data: { after: options.after, dryRun, resets, ...taken(applied) },
        text: () =>
          resets.length === 0
            ? 'no reset is dated after that'
            : [
                ...resetLines(resets),
                dryRun
                  ? `would take back the resets of ${counted(resets.length, 'subscription')}`
                  : `took back the resets of ${counted(taken(applied).subscriptions, 'subscription')}; ${counted(taken(applied).periods, 'period is', 'periods are')} open again`,
              ].join('\n'),
      }),
    }),
);

const resetLines = (resets: readonly AheadReset[]) => [
  ...resets
    .slice(0, namedMax)
    .map(({ externalId, service, lastResetAt }) => `  ${externalId}  ${service}  reset at ${lastResetAt}`),
  ...(resets.length > namedMax ? [`  and ${resets.length - namedMax} more`] : []),
];
