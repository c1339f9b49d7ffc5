import { planRollback, readSchemaStatus } from '../../db/migration-store.ts';
import { rollBack } from '../../db/migrations.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';

/** `quota db rollback`: `{dryRun, rolledBack: [name]}`, the latest first. */
export const dbRollback = defineCommand(
  {
    options: {
      ...changeOptions,
      all: flag('take back every migration'),
      to: value('migration', 'take back every migration after this one'),
    },
    examples: [
      ['quota db rollback --dry-run', 'list what would be taken back'],
      ['quota db rollback --to 0001_core --yes', 'back to the first migration'],
      ['quota db rollback --confirm app', 'in production, on the database "app"'],
    ],
  },
  async (context, options) => {
    const dryRun = options.dryRun === true;
    const rolledBack = await context.withDatabase(
      async ({ client, url }) => {
        const plan = planRollback(await readSchemaStatus(client), options);
        if (plan.length > 0) {
          context.talk.info(`To be rolled back, with the data in what was made: ${plan.join(', ')}`);
          const change = {
            action: `Roll back ${plan.join(', ')} in ${client.database}`,
            name: client.database ?? '',
          };
          if (await context.confirm(change, options)) {
            await rollBack(url, plan, { actor: context.actor, reason: options.reason }, context);
          }
        }
        return plan;
      },
      { schema: 'any', onAbort: 'finish' },
    );
    await context.output.write({
      data: { dryRun, rolledBack },
      rows: rolledBack.map((migration) => ({ migration, state: dryRun ? 'applied' : 'rolled back' })),
      columns: [{ key: 'migration' }, { key: 'state' }],
      text: (data, style) => {
        if (data.rolledBack.length === 0) {
          return 'Nothing to roll back.';
        }
        const verb = data.dryRun ? style.yellow('would roll back') : style.green('rolled back');
        return data.rolledBack.map((name) => `${verb} ${name}`).join('\n');
      },
    });
    return exitCodes.ok;
  },
);
