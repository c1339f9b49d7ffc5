import { allowanceText } from '../../allowances/grants/allowance-text.ts';
import { applyRevoke, planRevoke } from '../../allowances/grants/revoke-grant.ts';
import { withCache } from '../../changes/outdated-cache.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { parseInteger } from '../../values/option-values.ts';

const parseGrantId = (text: string) => String(parseInteger({ max: 999_999_999_999_999 })(text));

/** `quota grants revoke`: `{grant, dryRun, before, after, auditId}`; `before` and `after` are the meter as it stands. */
export const grantsRevoke = defineCommand(
  {
    arguments: { id: argument('of the grant, as quota grants list tells it', parseGrantId) },
    options: changeOptions,
    examples: [
      ['quota grants revoke 42 --reason "given twice" --dry-run', 'look first'],
      ['quota grants revoke 42 --reason "given twice" --yes', 'what it gave stays given'],
    ],
  },
  async (context, options) => {
    const { reason } = options;
    if (reason === undefined || reason.trim() === '') {
      throw usageError('taking a grant back needs a reason', { suggestion: 'add --reason "given twice"' });
    }
    const data = await context.withDatabase(async ({ client }) => {
      const plan = await planRevoke(client, options.id);
      const { grant, before } = plan;
      const change = {
        action: `Take back ${grant.left} of ${grant.meter} from ${grant.user} (grant ${grant.id})`,
        name: grant.user,
      };
      const dryRun = !(await context.confirm(change, options));
      const revoked = dryRun
        ? { auditId: null, after: null }
        : await withCache(context, client, () => applyRevoke(client, plan, reason));
      return { grant, dryRun, before, ...revoked };
    });
    await context.output.write({
      data,
      text: ({ grant, dryRun, before, after }, style) =>
        [
          `${dryRun ? style.yellow('would take back') : style.green('took back')} ${grant.left} of ${grant.meter} from ${grant.user}; ${grant.given} of ${grant.quantity} were given`,
          `  before  ${allowanceText(before)}`,
          ...(dryRun ? [] : [`  after   ${allowanceText(after)}`]),
        ].join('\n'),
    });
    return exitCodes.ok;
  },
);
