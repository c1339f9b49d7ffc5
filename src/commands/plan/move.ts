import { randomUUID } from 'node:crypto';
import { findPlan } from '../../allowances/plans/find-plan.ts';
import { countMovable, movePlan } from '../../allowances/plans/set-plan-store.ts';
import { withCache } from '../../changes/outdated-cache.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, value } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { parseUuid } from '../../values/option-values.ts';

/** `quota plan move`: `{dryRun, from, to, service, users, runId}`; `runId` null: nothing was changed. */
export const planMove = defineCommand(
  {
    arguments: {
      from: argument('plan that the users have'),
      to: argument('plan of the same service that they get'),
    },
    options: {
      ...changeOptions,
      movedBy: value('run', 'only users that this earlier move brought to <from>', parseUuid),
    },
    examples: [
      ['quota plan move avatar-monthly avatar-lifetime --dry-run', 'how many they are'],
      ['quota plan move avatar-monthly avatar-lifetime --reason "20 minutes ever"', ''],
      ['quota plan move avatar-lifetime avatar-monthly --moved-by RUN --reason "back"', 'as it was before'],
    ],
  },
  async (context, options) => {
    const { from, to, movedBy = null, reason } = options;
    if (!options.dryRun && !reason?.trim()) {
      throw usageError('moving users to another plan needs a reason, for the audit log', {
        suggestion: 'add --reason "the monthly plan ends"',
      });
    }
    const data = await context.withDatabase(async ({ client }) => {
      const [former, fresh] = [await findPlan(client, from), await findPlan(client, to)];
      const { service } = former.definition;
      if (from === to || fresh.definition.service !== service) {
        throw usageError(
          from === to ? `"${from}" and "${to}" are one plan` : `"${to}" is no plan of ${service}`,
          {
            suggestion: 'name two plans of one service, as quota plan list shows them',
          },
        );
      }
      const nothing = { dryRun: options.dryRun === true, from, to, service, runId: null };
      const users = await countMovable(client, from, movedBy);
      if (users === 0) {
        return { ...nothing, users };
      }
      const action = `Move ${users} ${users === 1 ? 'user' : 'users'} from ${from} to ${to}`;
      if (!(await context.confirm({ action, name: from }, options))) {
        return { ...nothing, users };
      }
      const runId = randomUUID();
      // One statement, so one transaction: the users, their quotas and their audit rows.
      const moved = await withCache(context, client, () =>
        movePlan(client, { from, to, movedBy, reason: reason?.trim() ?? '', run: runId }),
      );
      return { ...nothing, users: moved, runId };
    });
    await context.output.write({
      data,
      text: ({ dryRun, users, runId }, style) =>
        users === 0
          ? `nobody to move from ${from} to ${to}`
          : [
              `${dryRun ? style.yellow('would move') : style.green('moved')} ${users} ${users === 1 ? 'user' : 'users'} from ${from} to ${to}`,
              '  The new limits hold at once, and calls count in the periods of the new plan.',
              ...(runId === null
                ? []
                : [`  to take it back: quota plan move ${to} ${from} --moved-by ${runId}`]),
            ].join('\n'),
    });
    return exitCodes.ok;
  },
);
