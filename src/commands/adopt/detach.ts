import { detach } from '../../adopt/detach.ts';
import { findProduct } from '../../adopt/find-product.ts';
import { withTablesOf } from '../../adopt/table-patience.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';

interface DetachResult {
  dryRun: boolean;
  product: string;
  removed: string[];
  auditId: string | null;
}

/** `quota adopt detach`: `{dryRun, product, removed: [text], auditId}`. */
export const adoptDetach = defineCommand(
  {
    arguments: { product: argument('name of a product that is attached') },
    options: changeOptions,
    examples: [
      ['quota adopt detach voice-matrix --dry-run', ''],
      ['quota adopt detach voice-matrix --yes', 'attached again later, it counts nothing twice'],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: optionalReason,
      plan: ({ client }) => findProduct(client, options.product),
      describe: ({ product, sources }) => ({
        action: `Detach ${product}: what it writes is counted no more`,
        name: product,
        isDangerous: true,
        lines: sources.map(({ relation }) => `triggers on ${relation}`),
      }),
      apply: ({ client }, { product, sources }, { reason }) =>
        withTablesOf(
          context,
          client,
          { product, what: `detaching ${product}`, relations: sources.map(({ relation }) => relation) },
          () => detach(client, product, reason),
        ),
      report: ({ plan: { product, sources }, applied, dryRun }) => ({
        data: { dryRun, product, removed: applied?.removed ?? [], auditId: applied?.auditId ?? null },
        text: ({ removed }: DetachResult, style) =>
          dryRun
            ? `${style.yellow('would detach')} ${product} from ${sources.map(({ relation }) => relation).join(', ')}`
            : `${style.green('detached')} ${product}: ${removed.length} triggers are gone`,
      }),
      outdatesCache: false,
    }),
);
