import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { reopenMonth } from '../../reconcile/months/close-month.ts';
import { findReconciliation } from '../../reconcile/months/find-reconciliation.ts';
import { monthOptions, requireReason } from './options.ts';

/** `quota reconcile reopen`: `{id, provider, month, dryRun, reopened, auditId}`. */
export const reconcileReopen = defineCommand(
  {
    options: { ...changeOptions, ...monthOptions },
    examples: [['quota reconcile reopen --month 2026-10 --reason "a corrected bill has come" --yes', '']],
  },
  async (context, options) => {
    const reason = options.dryRun ? '' : requireReason(options.reason, 'a corrected bill has come');
    const data = await context.withDatabase(async ({ client }) => {
      const stored = await findReconciliation(client, options);
      const { id, provider, month } = stored;
      if (stored.closedAt === null) {
        return { id, provider, month, dryRun: options.dryRun === true, reopened: false, auditId: null };
      }
      const name = `${provider} ${month}`;
      const isAgreed = await context.confirm({ action: `Open ${name} again`, name }, options);
      const auditId = isAgreed ? await reopenMonth(client, stored, reason) : null;
      return { id, provider, month, dryRun: !isAgreed, reopened: true, auditId };
    });
    await context.output.write({
      data,
      text: ({ dryRun, reopened, provider, month }, style) =>
        reopened
          ? `${dryRun ? style.yellow('would open') : style.green('opened')} ${provider} ${month} again`
          : `${provider} ${month} is not closed.`,
    });
    return exitCodes.ok;
  },
);
