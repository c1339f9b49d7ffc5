import { addGrant, planGrant } from '../../allowances/grants/add-grant.ts';
import type { MeterAllowance } from '../../allowances/grants/grant-store.ts';
import { withCache } from '../../changes/outdated-cache.ts';
import type { ChangeOptions, Context } from '../../context.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import { findUser } from '../../users/find-user.ts';

export interface UserGrantOptions extends ChangeOptions {
  user: string;
  meter: string;
  /** In the unit of the meter. */
  amount: string;
  expires?: string;
}

/**
 * `quota user grant`: `{user, dryRun, meter, quantity, expiresAt, before, after, grantId, auditId}`; `before` and
 * `after` are the meter with its limit, granted, used and remaining, or null.
 */
export async function userGrant(context: Context, options: UserGrantOptions): Promise<ExitCode> {
  const { reason } = options;
  if (reason === undefined || reason.trim() === '') {
    throw usageError('a grant needs a reason', { suggestion: 'add --reason "outage on the 3rd"' });
  }
  if (Number(options.amount) === 0) {
    throw usageError('a grant of nothing is no grant', { suggestion: 'give an amount above zero, like 300' });
  }
  const expiresAt = options.expires ?? null;
  if (expiresAt !== null && expiresAt <= context.now().toISOString()) {
    throw usageError(`a grant that expired at ${expiresAt} gives nothing`, {
      suggestion: 'give an instant to come, like --expires 2027-01-31',
    });
  }
  const data = await context.withDatabase(async ({ client }) => {
    const user = await findUser(client, options.user);
    const grant = { userId: user.id, meter: options.meter, quantity: options.amount, expiresAt, reason };
    const plan = await planGrant(client, grant);
    const change = {
      action: `Grant ${user.externalId} ${options.amount} of ${options.meter}`,
      name: user.externalId,
    };
    const dryRun = !(await context.confirm(change, options));
    const added = dryRun
      ? { grantId: null, auditId: null, after: null }
      : await withCache(context, client, () => addGrant(client, plan));
    const { before } = plan;
    return { user, dryRun, meter: options.meter, quantity: options.amount, expiresAt, before, ...added };
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
}

const allowanceText = (allowance: MeterAllowance | null) =>
  allowance === null
    ? 'no plan yet'
    : `${allowance.used} used of ${allowance.limit ?? 'no limit'} and ${allowance.granted} granted, ${allowance.remaining ?? 'no limit'} left`;
