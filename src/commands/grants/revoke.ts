import { applyRevoke, planRevoke } from '../../allowances/grants/revoke-grant.ts';
import type { GrantState } from '../../allowances/grants/revoke-store.ts';
import { drainUser, openProviderWork, workExitCode } from '../../changes/provider-work.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { allowanceText, amountText } from '../../text/allowance-text.ts';
import { assistantLines } from '../../text/assistants-text.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { parseInteger } from '../../values/option-values.ts';

const givenText = ({ given, quantity, unit }: Pick<GrantState, 'given' | 'quantity' | 'unit'>): string => {
  const { text } = quantityFormat(unit, quantity);
  return `${text(given)} of ${text(quantity)} ${Number(given) === 1 ? 'was' : 'were'} given`;
};

const parseGrantId = (text: string) => String(parseInteger({ max: 999_999_999_999_999 })(text));

/** `quota grants revoke`: `{grant, dryRun, before, after, auditId, assistants}`; `before` and `after` are the meter as it stands. */
export const grantsRevoke = defineCommand(
  {
    arguments: { id: argument('of the grant, as quota grants list tells it', parseGrantId) },
    options: { ...changeOptions, ...drainOptions },
    examples: [
      ['quota grants revoke 42 --reason "given twice" --dry-run', 'look first'],
      ['quota grants revoke 42 --reason "given twice" --yes', 'what it gave stays given'],
    ],
  },
  async (context, options) => {
    const work = await openProviderWork(context, options, 'optional');
    return runChange(context, options, {
      reason: requiredReason('taking a grant back', 'given twice'),
      plan: ({ client }) => planRevoke(client, options.id),
      describe: ({ grant }) => ({
        action: `Take back ${amountText(grant.left, grant)} from ${grant.user} (grant ${grant.id})`,
        name: grant.user,
      }),
      apply: ({ client }, plan, { reason }) => applyRevoke(client, plan, reason),
      settle: ({ client }, { grant }) => drainUser(context, client, grant.userId, work),
      report: ({ plan: { grant, before }, applied, settled, dryRun }) => {
        const { assistants = [], unfinished = 0 } = settled ?? {};
        const { auditId, after } = applied ?? { auditId: null, after: null };
        return {
          data: { grant, dryRun, before, after, auditId, assistants },
          exitCode: workExitCode(unfinished),
          text: (_data, style) =>
            [
              `${dryRun ? style.yellow('would take back') : style.green('took back')} ${amountText(grant.left, grant)} from ${grant.user}; ${givenText(grant)}`,
              `  before  ${allowanceText(before)}`,
              ...(dryRun ? [] : [`  after   ${allowanceText(after)}`]),
              ...assistantLines(assistants, style),
            ].join('\n'),
        };
      },
    });
  },
);
