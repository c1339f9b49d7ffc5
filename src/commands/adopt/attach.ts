import { attachProduct, planAttach } from '../../adopt/attach.ts';
import { readMappingFile } from '../../adopt/find-product.ts';
import { readMapping } from '../../adopt/read-mapping.ts';
import { withAppDatabase } from '../../adopt/remote/app-database.ts';
import { withTablesOf } from '../../adopt/table-patience.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { sourceOption } from '../../declarations/source-option.ts';

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
    options: { ...changeOptions, ...sourceOption },
    details:
      'The app goes on as it is, and never hears of an error of ours: rows that cannot be counted wait, and quota adopt status shows them.',
    examples: [
      ['quota adopt attach product.yaml --dry-run', 'check it, and see which triggers are made'],
      ['quota adopt attach product.yaml --yes', 'the app decides on; quota counts beside it'],
      [
        'quota adopt attach product.yaml --source-url postgres://reader@db.example/shop --yes',
        'its tables are in another database',
      ],
    ],
  },
  async (context, options) => {
    const document = await readMappingFile(options.mapping, context.stdin);
    return runChange(context, options, {
      reason: optionalReason,
      plan: ({ client }) =>
        withAppDatabase(
          context,
          client,
          { product: readMapping(document).product, given: options.sourceUrl },
          (app) => planAttach(client, document, app),
        ),
      isNothing: ({ isAttached }) => isAttached,
      describe: ({ mapping, triggers }) => ({
        action: `Attach ${mapping.product}`,
        name: mapping.product,
        lines:
          mapping.remote === undefined
            ? triggers.map((trigger) => `trigger ${trigger}`)
            : [
                `in the database ${mapping.remote.database}, which is only read: quota jobs adopt-follow looks there`,
              ],
      }),
      apply: ({ client }, plan, { reason }) =>
        withTablesOf(
          context,
          client,
          {
            product: plan.mapping.product,
            what: `attaching ${plan.mapping.product}`,
            relations: plan.checked.sources.map(({ table }) => table.relation),
          },
          () => attachProduct(client, plan, reason),
        ),
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
            : `${dryRun ? style.yellow('would attach') : style.green('attached')} ${product}: ${mapping.remote === undefined ? `${triggers.length} triggers` : `in ${mapping.remote.database}, followed by quota jobs adopt-follow`}; next: quota adopt backfill ${product}`,
      }),
      outdatesCache: false,
    });
  },
);
