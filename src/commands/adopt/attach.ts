import { attachProduct, planAttach } from '../../adopt/attach.ts';
import { readMappingFile } from '../../adopt/find-product.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { withTransaction } from '../../db/transaction.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';

interface AttachResult {
  dryRun: boolean;
  product: string;
  services: string[];
  triggers: string[];
  auditId: string | null;
}

/** `quota adopt attach`: `{dryRun, product, services, triggers: [text], auditId}`; auditId null: it is attached so already. */
export const adoptAttach = defineCommand(
  {
    arguments: { mapping: argument('file with the mapping, or the name of a preset; - reads stdin') },
    options: changeOptions,
    details:
      'The app goes on as it is, and never hears of an error of ours: rows that cannot be counted wait, and quota adopt status shows them.',
    examples: [
      ['quota adopt attach product.yaml --dry-run', 'check it, and see which triggers are made'],
      ['quota adopt attach product.yaml --yes', 'the app decides on; quota counts beside it'],
    ],
  },
  async (context, options) => {
    const document = await readMappingFile(options.mapping, context.stdin);
    return runChange(context, options, {
      reason: optionalReason,
      plan: ({ client }) => planAttach(client, document),
      isNothing: ({ isAttached }) => isAttached,
      describe: ({ mapping, triggers }) => ({
        action: `Attach ${mapping.product}`,
        name: mapping.product,
        lines: triggers.map((trigger) => `trigger ${trigger}`),
      }),
      apply: ({ client }, plan, { reason }) =>
        withTransaction(client, () => attachProduct(client, plan, reason)),
      report: ({ plan: { mapping, triggers, isAttached }, applied, dryRun }) => ({
        data: {
          dryRun,
          product: mapping.product,
          services: mapping.services,
          triggers,
          auditId: applied ?? null,
        },
        text: ({ product }: AttachResult, style) =>
          isAttached
            ? `${product} is attached so already`
            : `${dryRun ? style.yellow('would attach') : style.green('attached')} ${product}: ${triggers.length} triggers; next: quota adopt backfill ${product}`,
      }),
      outdatesCache: false,
    });
  },
);
