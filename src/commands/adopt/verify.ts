import { findProduct } from '../../adopt/find-product.ts';
import { attachedRequest, withAppDatabase } from '../../adopt/remote/app-database.ts';
import { verifyProduct } from '../../adopt/verify-product.ts';
import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { limitOption } from '../../declarations/page-options.ts';
import { sourceOption } from '../../declarations/source-option.ts';
import { exitCodes } from '../../errors.ts';
import { counted } from '../../values/counted.ts';

const limitDefault = 50;

/**
 * `quota adopt verify`: a `Verification`; csv and ndjson have one line per difference. Exit 3 on any difference, row that
 * waits or backfill that is not through.
 */
export const adoptVerify = defineCommand(
  {
    arguments: { product: argument('name of a product that is attached') },
    options: { ...limitOption, ...sourceOption },
    examples: [
      ['quota adopt verify voice-matrix', 'exit 3 when any user differs'],
      ['quota adopt verify voice-matrix --json differing', 'for a script'],
    ],
  },
  async (context, options) => {
    const data = await context.withDatabase(async ({ client }) => {
      const found = await findProduct(client, options.product);
      return withAppDatabase(context, client, attachedRequest(found, options.sourceUrl), (app) =>
        verifyProduct(client, app, found, options.limit ?? limitDefault),
      );
    });
    const agrees =
      data.differing === 0 && data.waiting === 0 && [...data.unfinished, ...data.stale].length === 0;
    await context.output.write({
      data,
      rows: data.differences,
      columns: ['from', 'externalId', 'meter', 'periodStart', 'app', 'quota', 'difference'].map((key) => ({
        key,
      })),
      text: verificationText,
    });
    return agrees ? exitCodes.ok : exitCodes.differences;
  },
);

function verificationText(data: Awaited<ReturnType<typeof verifyProduct>>, style: Style): string {
  const { product, compared, differing, waiting, unfinished, behind, stale, differences } = data;
  return [
    ...differences.map(
      ({ from, externalId, meter, periodStart, app, quota, difference }) =>
        `${externalId} ${meter} ${periodStart ?? 'ever'}: ${from} ${app ?? 'nothing'}, quota ${quota ?? 'nothing'} (${style.red(difference)})`,
    ),
    ...(waiting === 0
      ? []
      : [
          style.yellow(
            `${counted(waiting, 'row waits', 'rows wait')}: quota adopt status ${product} says why`,
          ),
        ]),
    ...(unfinished.length === 0 ? [] : [style.yellow(`no backfill was through ${unfinished.join(', ')}`)]),
    ...(behind === 0 ? [] : [`${behind} rows are newer than the last look: quota jobs adopt-follow`]),
    ...(stale.length === 0
      ? []
      : [style.yellow(`nobody has looked at ${stale.join(', ')} lately: quota jobs adopt-follow`)]),
    `${compared} compared, ${differing === 0 ? style.green('0 differ') : style.red(`${differing} differ`)}`,
  ].join('\n');
}
