import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { findReconciliation } from '../../reconcile/months/find-reconciliation.ts';
import { reopenReconciliation } from '../../reconcile/months/reconciliation-store.ts';
import { monthOptions } from './options.ts';

/** `quota reconcile reopen`: `{id, provider, month, dryRun, reopened, auditId}`. */
export const reconcileReopen = defineCommand(
  {
    options: { ...changeOptions, ...monthOptions },
    examples: [['quota reconcile reopen --month 2026-10 --reason "a corrected bill has come" --yes', '']],
  },
  (context, options) =>
    runChange(context, options, {
      reason: requiredReason('opening a month again', 'a corrected bill has come'),
      plan: ({ client }) => findReconciliation(client, options),
      isNothing: ({ closedAt }) => closedAt === null,
      describe: ({ provider, month }) => ({
        action: `Open ${provider} ${month} again`,
        name: `${provider} ${month}`,
      }),
      apply: ({ client }, { id }, { reason }) => reopenReconciliation(client, id, reason),
      report: ({ plan: { id, provider, month, closedAt }, applied: auditId = null, dryRun }) => {
        const reopened = closedAt !== null;
        return {
          data: { id, provider, month, dryRun, reopened, auditId },
          text: (_data, style) =>
            reopened
              ? `${dryRun ? style.yellow('would open') : style.green('opened')} ${provider} ${month} again`
              : `${provider} ${month} is not closed.`,
        };
      },
      outdatesCache: false,
    }),
);
