import { limitsExitCode, limitsOutput } from '../../changes/limits-report.ts';
import { openLimits } from '../../changes/limits-run.ts';
import type { Context } from '../../context.ts';
import { planApply } from '../../enforcement/apply.ts';
import { enforceBatch } from '../../enforcement/enforce-store.ts';
import { limitUsers } from '../../enforcement/operator-store.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import { findUser } from '../../users/find-user.ts';
import { carryOut, type LimitsChangeOptions } from './change.ts';

export interface LimitsApplyOptions extends LimitsChangeOptions {
  /** Everybody who is over the allowance and not limited. */
  exceeded?: boolean;
}

/** Users limited in one transaction. */
const enforceBatchSize = 500;

/** `quota limits apply USER|--exceeded`: queues the limit and drains it at once. See `LimitsChangeReport`. */
export async function limitsApply(context: Context, options: LimitsApplyOptions): Promise<ExitCode> {
  const { user: reference, exceeded = false, sync = true, reason } = options;
  if ((reference === undefined) !== exceeded) {
    throw usageError('name a user, or everybody who is over the allowance with --exceeded', {
      suggestion: 'quota limits apply user_00042, or quota limits apply --exceeded',
    });
  }
  const setup = sync ? await openLimits(context, options) : undefined;
  const report = await context.withDatabase(
    async ({ client }) => {
      const user = reference === undefined ? null : await findUser(client, reference);
      const plan = await planApply(client, user);
      const action =
        user === null
          ? `Limit ${plan.tasks.length} assistants of ${plan.users.length} users who are over their allowance`
          : `Limit ${plan.tasks.length} assistants of ${user.externalId}`;
      const queue = async () => {
        if (user === null) {
          while ((await enforceBatch(client, { batchSize: enforceBatchSize, reason })) > 0) {}
        } else {
          await limitUsers(client, [user.id], reason);
        }
      };
      return carryOut(context, client, { ...plan, action, queue }, { options, setup });
    },
    { onAbort: 'finish' },
  );
  await context.output.write(limitsOutput(report));
  return sync ? limitsExitCode(report) : exitCodes.ok;
}
