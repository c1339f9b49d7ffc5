import { estimateTables } from '../../db/migration-store.ts';
import { resetSchema } from '../../db/migrations.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';

/** `quota db reset`: `{dryRun, database, dropped: [{table, rows}], applied: [name]}`; rows are estimates. */
export const dbReset = defineCommand(
  {
    options: changeOptions,
    examples: [
      ['quota db reset --dry-run', 'see what would be lost'],
      ['quota db reset --yes', 'begin anew on a development database'],
    ],
  },
  async (context, options) => {
    const { actor } = context;
    const data = await context.withDatabase(
      async ({ client, url }) => {
        const database = client.database ?? '';
        const dropped = await estimateTables(client);
        const filled = dropped
          .filter(({ rows }) => rows !== '0')
          .map(({ table, rows }) => `${table} (about ${rows} rows)`);
        context.talk.info(
          `To be dropped in ${database}: ${dropped.length} tables${filled.length > 0 ? ':' : ''} ${filled.join(', ')}`,
        );
        const confirmed = await context.confirm(
          { action: `Drop every table of quota in ${database}`, name: database },
          options,
        );
        const applied = confirmed ? await resetSchema(url, { actor, reason: options.reason }, context) : [];
        return { dryRun: !confirmed, database, dropped, applied };
      },
      { schema: 'any', onAbort: 'finish' },
    );
    await context.output.write({
      data,
      rows: data.dropped,
      columns: [{ key: 'table' }, { key: 'rows', align: 'right' }],
      text: ({ dryRun, database, dropped, applied }, style) =>
        dryRun
          ? `${style.yellow('would drop')} ${dropped.length} tables of ${database} and make them anew`
          : `${style.green('dropped')} ${dropped.length} tables of ${database}, applied ${applied.length} migrations`,
    });
    return exitCodes.ok;
  },
);
