import type { ChangeOptions, Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { recordUsage } from '../../usage/record-usage.ts';
import { findUser } from '../../users/find-user.ts';

export interface UsageRecordOptions extends ChangeOptions {
  user: string;
  service: string;
  quantity: string;
  key: string;
  provider?: string;
  model?: string;
  cost?: string;
  startedAt?: string;
  assistant?: string;
}

/**
 * `quota usage record`: `{recorded, callLogId, used, limit, remaining, state, action}`; `recorded` is false when
 * the key was there before, and null on a dry run.
 */
export async function usageRecord(context: Context, options: UsageRecordOptions): Promise<ExitCode> {
  const data = await context.withDatabase(async ({ client }) => {
    const user = await findUser(client, options.user);
    const what = `${options.quantity} on ${options.service} for ${user.externalId}`;
    const change = {
      action: `Record ${what}`,
      name: user.externalId,
    };
    if (!(await context.confirm(change, options))) {
      return { recorded: null, plan: what };
    }
    const entry = { ...options, userId: user.id, assistantId: options.assistant };
    return recordUsage(client, entry, options.reason);
  });
  await context.output.write({
    data,
    text: (result, style) => {
      if ('plan' in result) {
        return `${style.yellow('would record')} ${result.plan}`;
      }
      const done = result.recorded ? style.green('recorded') : style.yellow('was recorded before');
      return `${done}: ${result.used} of ${result.limit ?? 'no limit'} used, ${result.remaining ?? 'no limit'} left, ${result.state}`;
    },
  });
  return exitCodes.ok;
}
