import type pg from 'pg';
import { meantUser } from '../../asking/meant-user.ts';
import { openLimits } from '../../changes/limits-run.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { anyUserArgument } from '../../declarations/user-argument.ts';
import { planApply } from '../../enforcement/apply.ts';
import { enforceBatch } from '../../enforcement/enforce-store.ts';
import { reviveAssistants } from '../../enforcement/gone-store.ts';
import { limitUsers, type UserName } from '../../enforcement/operator-store.ts';
import { usageError } from '../../errors.ts';
import { runLimitsChange } from './change.ts';

/** Users limited in one transaction. */
const enforceBatchSize = 500;

/** `quota limits apply USER|--exceeded`: queues the limit and drains it at once. See `LimitsChangeReport`. */
export const limitsApply = defineCommand(
  {
    arguments: anyUserArgument,
    options: {
      ...changeOptions,
      ...drainOptions,
      exceeded: flag('everybody who is over the allowance and not limited'),
    },
    examples: [
      ['quota limits apply user_00042 --dry-run', 'what would be sent to VAPI, field by field'],
      ['quota limits apply user_00042 --yes --reason "abuse, ticket 4711"', 'until the next reset'],
      ['quota limits apply --exceeded --yes', 'whoever slipped through'],
    ],
  },
  async (context, options) => {
    const { user: reference, exceeded = false, sync = true } = options;
    if ((reference === undefined) !== exceeded) {
      throw usageError('name a user, or everybody who is over the allowance with --exceeded', {
        suggestion: 'quota limits apply user_00042, or quota limits apply --exceeded',
      });
    }
    const setup = sync ? await openLimits(context, options) : undefined;
    return runLimitsChange(context, options, setup, async (client) => {
      const user = reference === undefined ? null : await meantUser(context, client, reference);
      const look = setup && { ...setup, queries: client, signal: context.signal };
      const plan = await planApply(client, user, look);
      const action =
        user === null
          ? `Limit ${plan.tasks.length} assistants of ${plan.users.length} users who are over their allowance`
          : `Limit ${plan.tasks.length} assistants of ${user.externalId}`;
      const queue = async (on: pg.ClientBase, reason: string | undefined) => {
        await queueLimits(on, user, reason);
        await reviveAssistants(on, plan.knownAgain);
      };
      return { ...plan, action, queue };
    });
  },
);

async function queueLimits(
  client: pg.ClientBase,
  user: UserName | null,
  reason: string | undefined,
): Promise<void> {
  if (user === null) {
    while ((await enforceBatch(client, { batchSize: enforceBatchSize, reason })) > 0) {}
  } else {
    await limitUsers(client, [user.id], reason);
  }
}
