import { refuseWhileAttached } from '../../adopt/refuse-attached.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { planRollback, readSchemaStatus } from '../../db/migration-store.ts';
import { rollBack } from '../../db/migrations.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';

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
  (context, options) =>
    runChange(context, options, {
      reason: optionalReason,
      async plan({ client }) {
        await refuseWhileAttached(client);
        return planRollback(await readSchemaStatus(client), options);
      },
      isNothing: (plan) => plan.length === 0,
      describe: (plan, { client }) => ({
        action: `Roll back ${plan.join(', ')} in ${client.database}`,
        name: client.database ?? '',
        isDangerous: true,
        lines: [`To be rolled back, with the data in what was made: ${plan.join(', ')}`],
      }),
      async apply({ url }, plan, { reason }) {
        await rollBack(url, plan, { actor: context.actor, reason }, context);
        return true;
      },
      report: ({ plan: rolledBack, dryRun }) => ({
        data: { dryRun, rolledBack },
        rows: rolledBack.map((migration) => ({ migration, state: dryRun ? 'applied' : 'rolled back' })),
        columns: [{ key: 'migration' }, { key: 'state' }],
        text: (_data, style) => {
          const verb = dryRun ? style.yellow('would roll back') : style.green('rolled back');
          return rolledBack.map((name) => `${verb} ${name}`).join('\n') || 'Nothing to roll back.';
        },
      }),
      database: { schema: 'any', onAbort: 'finish' },
      outdatesCache: false,
    }),
);
