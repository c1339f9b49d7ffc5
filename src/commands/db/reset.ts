import { refuseWhileAttached } from '../../adopt/refuse-attached.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { estimateTables } from '../../db/migration-store.ts';
import { resetSchema } from '../../db/migrations.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { counted } from '../../values/counted.ts';

/** `quota db reset`: `{dryRun, database, dropped: [{table, rows}], applied: [name]}`; rows are estimates. */
export const dbReset = defineCommand(
  {
    options: changeOptions,
    examples: [
      ['quota db reset --dry-run', 'see what would be lost'],
      ['quota db reset --yes', 'begin anew on a development database'],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: optionalReason,
      plan: async ({ client }) => {
        await refuseWhileAttached(client);
        return { database: client.database ?? '', dropped: await estimateTables(client) };
      },
      describe: ({ database, dropped }) => ({
        action: `Drop every table of quota in ${database}`,
        name: database,
        isDangerous: true,
        lines: droppedLines(database, dropped),
      }),
      apply: ({ url }, _plan, { reason }) => resetSchema(url, { actor: context.actor, reason }, context),
      report: ({ plan: { database, dropped }, applied = [], dryRun }) => ({
        data: { dryRun, database, dropped, applied },
        rows: dropped,
        columns: [{ key: 'table' }, { key: 'rows', align: 'right' }],
        text: (_data, style) =>
          dryRun
            ? `${style.yellow('would drop')} ${counted(dropped.length, 'table')} of ${database} and make them anew`
            : `${style.green('dropped')} ${counted(dropped.length, 'table')} of ${database}, applied ${counted(applied.length, 'migration')}`,
      }),
      database: { schema: 'any', onAbort: 'finish' },
      outdatesCache: false,
    }),
);

function droppedLines(database: string, dropped: readonly { table: string; rows: string }[]): string[] {
  const filled = dropped
    .filter(({ rows }) => rows !== '0')
    .map(({ table, rows }) => `${table} (about ${counted(rows, 'row')})`);
  return [
    `To be dropped in ${database}: ${counted(dropped.length, 'table')}${filled.length > 0 ? ':' : ''} ${filled.join(', ')}`,
  ];
}
