import { changeAuthority } from '../../adopt/change-authority.ts';
import { findProduct } from '../../adopt/find-product.ts';
import type { AdoptedProduct, Authority } from '../../adopt/product-store.ts';
import { attachedRequest, withAppDatabase } from '../../adopt/remote/app-database.ts';
import { withTablesOf } from '../../adopt/table-patience.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Context } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { sourceOption } from '../../declarations/source-option.ts';
import { shellWord } from '../../shell-word.ts';
import { parseChoice } from '../../values/option-values.ts';

/** `quota adopt authority`: `{dryRun, product, before, after, auditId}`. */
export const adoptAuthority = defineCommand(
  {
    arguments: {
      product: argument('name of a product that is attached'),
      authority: argument('app or quota', parseChoice<Authority>('app', 'quota')),
    },
    options: { ...changeOptions, ...sourceOption },
    details:
      'While the app decides, quota counts beside it: nobody is limited, and nobody is told of alerts. When quota decides, who is over the allowance is limited by the next enforce-limits.',
    examples: [
      ['quota adopt authority voice-matrix quota --yes', 'limits, alerts and resets are those of quota'],
      ['quota adopt authority voice-matrix app --yes', 'and back'],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: optionalReason,
      plan: async ({ client }) => {
        const found = await findProduct(client, options.product);
        warnOfUncounted(context, found, options.authority);
        return found;
      },
      isNothing: ({ authority }) => authority === options.authority,
      describe: ({ product }) => ({
        action: `Let ${options.authority} decide about ${product}`,
        name: product,
      }),
      apply: ({ client }, found, { reason }) =>
        withAppDatabase(context, client, attachedRequest(found, options.sourceUrl), (app) =>
          withTablesOf(
            context,
            client,
            {
              product: found.product,
              what: `the change of who decides about ${found.product}`,
              relations: [
                ...found.sources.map(({ relation }) => relation),
                ...found.mapping.mirrors.map(({ table }) => table),
              ],
            },
            () => changeAuthority(client, app, found, options.authority, reason),
          ),
        ),
      report: ({ plan: { product, authority }, applied, dryRun }) => ({
        data: { dryRun, product, before: authority, after: options.authority, auditId: applied ?? null },
        text: (_data, style) =>
          authority === options.authority
            ? `${authority} decides about ${product} already`
            : `${dryRun ? style.yellow('would decide') : style.green('decides')} about ${product}: ${options.authority}`,
      }),
    }),
);

/** Who decides by what is counted is to know that what was there before is not. */
function warnOfUncounted(
  { talk }: Context,
  { product, sources }: AdoptedProduct,
  authority: Authority,
): void {
  const uncounted = sources.filter(({ kind, backfilledAt }) => kind === 'calls' && backfilledAt === null);
  if (authority === 'quota' && uncounted.length > 0) {
    talk.warn(
      `what ${uncounted.map(({ name }) => name).join(', ')} held before ${product} was attached is not counted: quota adopt backfill ${shellWord(product)}`,
    );
  }
}
