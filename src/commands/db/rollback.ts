import type { ChangeOptions, Context } from '../../context.ts';
import { planRollback, type RollbackScope, readSchemaStatus } from '../../db/migration-store.ts';
import { rollBack } from '../../db/migrations.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';

export type DbRollbackOptions = ChangeOptions & RollbackScope;

/** `quota db rollback`: `{dryRun, rolledBack: [name]}`, the latest first. */
export async function dbRollback(context: Context, options: DbRollbackOptions): Promise<ExitCode> {
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
}
