import { randomUUID } from 'node:crypto';
import { findPlan } from '../../allowances/plans/find-plan.ts';
import { countMovable, movePlan } from '../../allowances/plans/set-plan-store.ts';
import {
  drainPlans,
  openProviderWork,
  type WorkCounts,
  workExitCode,
  workText,
} from '../../changes/provider-work.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Database, Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, value } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { usageError } from '../../errors.ts';
import { parseIdOf } from '../../values/option-values.ts';

interface PlanMoveReport {
  dryRun: boolean;
  from: string;
  to: string;
  service: string;
  users: number;
  /** Of this move, to take it back by; null: nothing was changed. */
  runId: string | null;
  /** What became of assistants that the new plan limits or frees; null on a dry run. */
  assistants: WorkCounts | null;
}

/** `quota plan move`: a `PlanMoveReport`. */
export const planMove = defineCommand(
  {
    arguments: {
      from: argument('plan that the users have'),
      to: argument('plan of the same service that they get'),
    },
    options: {
      ...changeOptions,
      ...drainOptions,
      movedBy: value('run', 'only users that this earlier move brought to <from>', parseIdOf('a move')),
    },
    examples: [
      ['quota plan move avatar-monthly avatar-lifetime --dry-run', 'how many they are'],
      ['quota plan move avatar-monthly avatar-lifetime --reason "20 minutes ever"', ''],
      ['quota plan move avatar-lifetime avatar-monthly --moved-by RUN --reason "back"', 'as it was before'],
    ],
  },
  async (context, options) => {
    const { from, to, movedBy = null } = options;
    const work = await openProviderWork(context, options, 'optional');
    return runChange(context, options, {
      reason: requiredReason('moving users to another plan', 'the monthly plan ends'),
      plan: async ({ client }) => ({
        service: await serviceOf(client, from, to),
        users: await countMovable(client, from, movedBy),
      }),
      isNothing: ({ users }) => users === 0,
      describe: ({ users }) => ({ action: `Move ${counted(users)} from ${from} to ${to}`, name: from }),
      // One statement, so one transaction: the users, their quotas and their audit rows.
      apply: async ({ client }, _plan, { reason }) => {
        const runId = randomUUID();
        return { runId, users: await movePlan(client, { from, to, movedBy, reason, run: runId }) };
      },
      settle: ({ client }) => drainPlans(context, client, [to], work),
      report: ({ plan: { service, users }, applied, settled, dryRun }) => {
        const data: PlanMoveReport = {
          dryRun,
          from,
          to,
          service,
          users,
          runId: null,
          ...applied,
          assistants: settled?.counts ?? null,
        };
        return { data, text: moveText, exitCode: workExitCode(settled?.unfinished ?? 0) };
      },
    });
  },
);

function moveText({ dryRun, from, to, users, runId, assistants }: PlanMoveReport, style: Style): string {
  if (users === 0) {
    return `nobody to move from ${from} to ${to}`;
  }
  const work = assistants === null ? '' : workText(assistants);
  return [
    `${dryRun ? style.yellow('would move') : style.green('moved')} ${counted(users)} from ${from} to ${to}`,
    '  The new limits hold at once, and calls count in the periods of the new plan.',
    ...(work === '' ? [] : [`  assistants: ${work}`]),
    ...(runId === null ? [] : [`  to take it back: quota plan move ${to} ${from} --moved-by ${runId}`]),
  ].join('\n');
}

const counted = (users: number) => `${users} ${users === 1 ? 'user' : 'users'}`;

/** @throws usageError unless they are two plans of one service; notFoundError */
async function serviceOf(client: Database['client'], from: string, to: string): Promise<string> {
  const [former, fresh] = [await findPlan(client, from), await findPlan(client, to)];
  const { service } = former.definition;
  if (from === to || fresh.definition.service !== service) {
    throw usageError(
      from === to ? `"${from}" and "${to}" are one plan` : `"${to}" is no plan of ${service}`,
      { suggestion: 'name two plans of one service, as quota plan list shows them' },
    );
  }
  return service;
}
