import { addGrant, planGrant } from '../../allowances/grants/add-grant.ts';
import { allowanceText } from '../../allowances/grants/allowance-text.ts';
import { withCache } from '../../changes/outdated-cache.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, value } from '../../declarations/option.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { findUser } from '../../users/find-user.ts';
import { parseInstant, parseQuantity } from '../../values/option-values.ts';

/**
 * `quota user grant`: `{user, dryRun, meter, quantity, expiresAt, before, after, grantId, auditId}`; `before` and
 * `after` are the meter with its limit, granted, used and remaining, or null.
 */
export const userGrant = defineCommand(
  {
    arguments: {
      ...userArgument,
      meter: argument('voice_seconds, messages, …'),
      amount: argument('of the meter: 15m, 1:30 or 900 seconds; messages', parseQuantity),
    },
    options: {
      ...changeOptions,
      expires: value('instant', 'when what is left of it is lost (default: never)', parseInstant),
    },
    examples: [
      ['quota user grant ada@example.com voice_seconds 5m --reason "outage" --yes', 'five minutes more'],
      [
        'quota user grant user_00042 messages 50 --expires 2027-01-31 --reason "promo" --dry-run',
        'look first',
      ],
    ],
  },
  async (context, options) => {
    const { reason } = options;
    if (reason === undefined || reason.trim() === '') {
      throw usageError('a grant needs a reason', { suggestion: 'add --reason "outage on the 3rd"' });
    }
    const expiresAt = options.expires ?? null;
    if (expiresAt !== null && expiresAt <= context.now().toISOString()) {
      throw usageError(`a grant that expired at ${expiresAt} gives nothing`, {
        suggestion: 'give an instant to come, like --expires 2027-01-31',
      });
    }
    const data = await context.withDatabase(async ({ client }) => {
      const user = await findUser(client, options.user);
      const wanted = { userId: user.id, meter: options.meter, quantity: options.amount, expiresAt, reason };
      const plan = await planGrant(client, wanted);
      const { quantity } = plan.grant;
      const change = {
        action: `Grant ${user.externalId} ${quantity} of ${options.meter}`,
        name: user.externalId,
      };
      const dryRun = !(await context.confirm(change, options));
      const added = dryRun
        ? { grantId: null, auditId: null, after: null }
        : await withCache(context, client, () => addGrant(client, plan));
      const { before } = plan;
      return { user, dryRun, meter: options.meter, quantity, expiresAt, before, ...added };
    });
    await context.output.write({
      data,
      text: (result, style) =>
        [
          `${result.dryRun ? style.yellow('would grant') : style.green('granted')} ${result.user.externalId} ${result.quantity} of ${result.meter}${result.expiresAt === null ? '' : ` until ${result.expiresAt}`}`,
          `  before  ${allowanceText(result.before)}`,
          ...(result.dryRun ? [] : [`  after   ${allowanceText(result.after)}`]),
        ].join('\n'),
    });
    return exitCodes.ok;
  },
);
