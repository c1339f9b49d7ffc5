import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { type Allowance, selectAllowance } from '../../usage/record-store.ts';
import { findUser } from '../../users/find-user.ts';

export interface UsageCheckOptions {
  /** Id, external id or email; absent with `--anonymous`. */
  user?: string;
  service: string;
  model?: string;
  quantity?: string;
  fileBytes?: number;
  assistant?: boolean;
}

/** `quota usage check`: the data is an `Allowance`. The exit code is 0 whether it is allowed or not. */
export async function usageCheck(context: Context, options: UsageCheckOptions): Promise<ExitCode> {
  const data = await context.withDatabase(async ({ client }) =>
    selectAllowance(client, {
      userId: options.user === undefined ? null : (await findUser(client, options.user)).id,
      service: options.service,
      model: options.model,
      quantity: options.quantity,
      fileBytes: options.fileBytes?.toString(),
      purpose: options.assistant ? 'assistant' : 'usage',
    }),
  );
  await context.output.write<Allowance>({
    data,
    text: (answer, style) => {
      const verdict = answer.allowed ? style.green('allowed') : style.red(`refused (${answer.reason})`);
      return [
        `${verdict}  ${answer.message}`,
        ...(answer.meter === null ? [] : [`${answer.meter}: ${usedText(answer)}`]),
        ...answer.warnings.map((warning) => style.yellow(warning)),
        ...(answer.action === null ? [] : [`the app is to: ${answer.action}`]),
      ].join('\n');
    },
  });
  return exitCodes.ok;
}

const usedText = ({ used, limit, remaining, percent }: Allowance) =>
  limit === null ? `${used} used, no limit` : `${used} of ${limit} used (${percent} %), ${remaining} left`;
