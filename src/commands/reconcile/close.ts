import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { closeMonth, requireNothingOpen } from '../../reconcile/months/close-month.ts';
import { findOpenReconciliation } from '../../reconcile/months/find-reconciliation.ts';
import { monthOptions } from './options.ts';

/** `quota reconcile close`: `{id, provider, month, dryRun, closedBy, exports, kinds, totals, open, auditId}`. */
export const reconcileClose = defineCommand(
  {
    options: {
      ...changeOptions,
      ...monthOptions,
      force: flag('although discrepancies are open; needs --reason'),
    },
    examples: [
      ['quota reconcile close --month 2026-10 --yes', 'refused while anything is open'],
      ['quota reconcile close --month 2026-10 --confirm "vapi 2026-10"', 'in production'],
    ],
  },
  async (context, options) => {
    const force = options.force === true;
    const reason = options.reason?.trim() || undefined;
    if (force && reason === undefined) {
      throw usageError('closing by force needs a reason, for the audit log', {
        suggestion: '--reason "agreed with the provider to settle these next month"',
      });
    }
    const data = await context.withDatabase(async ({ client }) => {
      const stored = await findOpenReconciliation(client, options);
      const { id, provider, month, exports, kinds, totals } = stored;
      const open = requireNothingOpen(stored, force);
      const name = `${provider} ${month}`;
      const isAgreed = await context.confirm(
        { action: `Close ${name}: billed ${totals.billed}`, name },
        options,
      );
      const { answer, auditId } = isAgreed
        ? await closeMonth(client, stored, { force, reason })
        : { answer: { exports, kinds, totals }, auditId: null };
      return { id, provider, month, dryRun: !isAgreed, closedBy: context.actor, ...answer, open, auditId };
    });
    await context.output.write({
      data,
      text: ({ dryRun, provider, month, totals }, style) =>
        `${dryRun ? style.yellow('would close') : style.green('closed')} ${provider} ${month}: billed ${totals.billed}, logged ${totals.logged}, difference ${totals.difference}`,
    });
    return exitCodes.ok;
  },
);
