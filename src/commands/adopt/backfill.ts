import { backfillProduct } from '../../adopt/backfill.ts';
import { restartBackfill } from '../../adopt/backfill-store.ts';
import type { CarriedCounts } from '../../adopt/carry-state.ts';
import { findProduct } from '../../adopt/find-product.ts';
import { attachedRequest, withAppDatabase } from '../../adopt/remote/app-database.ts';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, flag, value } from '../../declarations/option.ts';
import { sourceOption } from '../../declarations/source-option.ts';
import { parseDurationSeconds, parseInteger } from '../../values/option-values.ts';

/** A batch is as large as its users can be held for a moment, and no larger. */
const batchSizeDefault = 20_000;
const waitSecondsDefault = 60;

interface BackfillReport {
  dryRun: boolean;
  product: string;
  sources: { source: string; rows: number }[];
  retried: number;
  openings: number;
  carried: CarriedCounts;
}

/** `quota adopt backfill`: `{dryRun, product, sources: [{source, rows}], retried, openings, carried: {limits, alerts}}`. */
export const adoptBackfill = defineCommand(
  {
    arguments: { product: argument('name of a product that is attached') },
    options: {
      ...changeOptions,
      ...sourceOption,
      again: flag('from the beginning: rows that are counted are compared, and corrected where they differ'),
      batchSize: value(
        'n',
        `rows per transaction, at the most (default: ${batchSizeDefault})`,
        parseInteger({ max: 50_000 }),
      ),
      wait: value(
        'time',
        'how long to wait for a transaction of the app that is open (default: 1m)',
        parseDurationSeconds,
      ),
    },
    examples: [
      ['quota adopt backfill voice-matrix --yes', 'while the app goes on writing: each row is counted once'],
      ['quota adopt backfill voice-matrix --again --yes', 'after something was broken for a while'],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: optionalReason,
      plan: ({ client }) => findProduct(client, options.product),
      describe: ({ product, sources }) => ({
        action: `Count what ${product} had before it was attached`,
        name: product,
        lines: sources.map(({ name, relation }) => `${name}: ${relation}`),
      }),
      apply: ({ client }, found, { reason }) =>
        context.talk.withProgress('rows', null, async (progress) => {
          if (options.again) {
            await restartBackfill(client, found.product);
          }
          const done = await withAppDatabase(
            context,
            client,
            attachedRequest(found, options.sourceUrl),
            async (app) =>
              backfillProduct(client, app, await findProduct(client, found.product), {
                batchSize: options.batchSize ?? batchSizeDefault,
                waitSeconds: options.wait ?? waitSecondsDefault,
                signal: context.signal,
                onRows: (rows) => progress.update(rows),
                onWait: (message) => context.talk.info(message),
              }),
          );
          await insertAuditEntry(client, {
            action: 'adopt.backfilled',
            subject: found.product,
            reason,
            after: done,
          });
          return done;
        }),
      report: ({ plan: { product, sources }, applied, dryRun }) => ({
        data: {
          dryRun,
          product,
          sources: applied?.sources ?? sources.map(({ name }) => ({ source: name, rows: 0 })),
          retried: applied?.retried ?? 0,
          openings: applied?.openings ?? 0,
          carried: applied?.carried ?? {},
        },
        text: (data: BackfillReport, style) =>
          dryRun
            ? `${style.yellow('would count')} what ${product} had before`
            : `${style.green('been through')} ${data.sources.map(({ source, rows }) => `${source}: ${rows}`).join(', ')}; next: quota adopt verify ${product}`,
      }),
      database: { onAbort: 'finish' },
    }),
);
