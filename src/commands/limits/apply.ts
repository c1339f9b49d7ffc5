import type pg from 'pg';
import { openLimits } from '../../changes/limits-run.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { usersArgument } from '../../declarations/user-argument.ts';
import { planApply } from '../../enforcement/apply.ts';
import type { Chosen } from '../../enforcement/chosen.ts';
import { enforceBatch } from '../../enforcement/enforce-store.ts';
import { reviveAssistants } from '../../enforcement/gone-store.ts';
import { limitAssistants, limitUsers } from '../../enforcement/operator-store.ts';
import { counted } from '../../values/counted.ts';
import { runLimitsChange } from './change.ts';
import { assistantOption, findChosen, nameOf, ownersText, requireOne } from './chosen.ts';

/** Users limited in one transaction. */
const enforceBatchSize = 500;

/** `quota limits apply USER…|--assistant ID…|--exceeded`: queues the limit and drains it at once. See `LimitsChangeReport`. */
export const limitsApply = defineCommand(
  {
    arguments: usersArgument,
    options: {
      ...changeOptions,
      ...drainOptions,
      ...assistantOption,
      exceeded: flag('everybody who is over the allowance and not limited'),
    },
    examples: [
      ['quota limits apply user_00042 --dry-run', 'what would be sent to VAPI, field by field'],
      ['quota limits apply user_00042 --yes --reason "abuse, ticket 4711"', 'until the next reset'],
      ['quota limits apply user_00042 user_00043 --yes', 'several users'],
      ['quota limits apply --assistant c1a624dc-0001 --yes', 'one assistant alone, until it is restored'],
      ['quota limits apply --exceeded --yes', 'whoever slipped through'],
    ],
  },
  async (context, options) => {
    const { exceeded = false, sync = true } = options;
    requireOne(options, exceeded, 'everybody who is over the allowance with --exceeded', 'apply');
    const setup = sync ? await openLimits(context, options) : undefined;
    return runLimitsChange(context, options, setup, async (client) => {
      const chosen = await findChosen(context, client, options);
      const look = setup && { ...setup, queries: client, signal: context.signal };
      const plan = await planApply(client, chosen, look);
      const of = ownersText(chosen, plan.users.length);
      const over = chosen.kind === 'everybody' ? ' over the allowance' : '';
      const queue = async (on: pg.ClientBase, reason: string | undefined) => {
        await queueLimits(on, chosen, reason);
        await reviveAssistants(on, plan.knownAgain);
      };
      return {
        ...plan,
        action: `Limit ${counted(plan.tasks.length, 'assistant')} of ${of}${over}`,
        name: nameOf(chosen),
        queue,
      };
    });
  },
);

async function queueLimits(client: pg.ClientBase, chosen: Chosen, reason: string | undefined): Promise<void> {
  if (chosen.kind === 'users') {
    await limitUsers(
      client,
      chosen.users.map(({ id }) => id),
      reason,
    );
  } else if (chosen.kind === 'assistants') {
    await limitAssistants(
      client,
      chosen.assistants.map(({ assistantId }) => assistantId),
      reason,
    );
  } else {
    while ((await enforceBatch(client, { batchSize: enforceBatchSize, reason })) > 0) {}
  }
}
