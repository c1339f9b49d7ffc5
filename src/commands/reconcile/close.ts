import { optionalReason, requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { closeMonth, requireNothingOpen } from '../../reconcile/months/close-month.ts';
import { findOpenReconciliation } from '../../reconcile/months/find-reconciliation.ts';
import type { MonthChoice, StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import { askForMonth } from './ask-for-difference.ts';
import { askedMonthOptions } from './options.ts';
import { sumsText } from './sums-text.ts';

interface CloseReport
  extends Pick<
    StoredReconciliation,
    'id' | 'provider' | 'month' | 'exports' | 'kinds' | 'totals' | 'open' | 'currency'
  > {
  dryRun: boolean;
  closedBy: string;
  auditId: string | null;
}

/** `quota reconcile close`: a `CloseReport`. */
export const reconcileClose = defineCommand(
  {
    options: {
      ...changeOptions,
      ...askedMonthOptions,
      force: flag('although discrepancies are open; needs --reason'),
    },
    examples: [
      ['quota reconcile close --month 2026-10 --yes', 'refused while anything is open'],
      ['quota reconcile close --month 2026-10 --confirm "vapi 2026-10"', 'in production'],
    ],
  },
  (context, options) => {
    const force = options.force === true;
    let month: MonthChoice | undefined;
    return runChange(context, options, {
      reason: force
        ? requiredReason('closing by force', 'agreed with the provider to settle these next month')
        : optionalReason,
      plan: async ({ client }) => {
        month ??= options.month === undefined ? await askForMonth(context, client, options) : options;
        const stored = await findOpenReconciliation(client, month);
        return { stored, open: requireNothingOpen(stored, force) };
      },
      describe: ({ stored: { provider, month, totals, currency } }) => ({
        action: `Close ${provider} ${month}: billed ${totals.billed}${currency === null ? '' : ` ${currency}`}`,
        name: `${provider} ${month}`,
      }),
      again: ({ stored }) =>
        options.month === undefined
          ? [
              ...['reconcile', 'close', '--month', stored.month, '--provider', stored.provider],
              ...(force ? ['--force'] : []),
            ]
          : undefined,
      apply: ({ client }, { stored }, { reason }) => closeMonth(client, stored, { force, reason }),
      report: ({ plan: { stored, open }, applied, dryRun }) => {
        const { id, provider, month, exports, kinds, totals, currency } = stored;
        const { answer, auditId } = applied ?? { answer: { exports, kinds, totals }, auditId: null };
        const data: CloseReport = {
          id,
          provider,
          month,
          dryRun,
          closedBy: context.actor,
          ...answer,
          open,
          currency,
          auditId,
        };
        return { data, text: closeText };
      },
      outdatesCache: false,
    });
  },
);

const closeText = ({ dryRun, provider, month, totals, currency }: CloseReport, style: Style): string => {
  const verb = dryRun ? style.yellow('would close') : style.green('closed');
  return `${verb} ${provider} ${month}: ${sumsText({ totals, currency, quantities: null })}`;
};
