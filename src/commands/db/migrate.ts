import type { Context } from '../../context.ts';
import { readSchemaStatus } from '../../db/migration-store.ts';
import { migrate } from '../../db/migrations.ts';
import { newerSchemaError } from '../../db/schema-state.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';

export interface DbMigrateOptions {
  dryRun?: boolean;
}

/** `quota db migrate`: `{dryRun, applied: [name], pending: [name]}`; on a dry run nothing is applied. */
export async function dbMigrate(context: Context, { dryRun = false }: DbMigrateOptions): Promise<ExitCode> {
  const data = await context.withDatabase(
    async ({ client, url }) => {
      const status = await readSchemaStatus(client);
      if (status.state === 'newer') {
        throw newerSchemaError();
      }
      if (dryRun) {
        return { dryRun, applied: [], pending: status.pending };
      }
      const applied = await migrate(url, context);
      return { dryRun, applied, pending: [] };
    },
    { schema: 'any', onAbort: 'finish' },
  );
  await context.output.write({
    data,
    rows: [...data.applied.map(row('applied')), ...data.pending.map(row('pending'))],
    columns: [{ key: 'migration' }, { key: 'state' }],
    text: ({ applied, pending }, style) => {
      if (applied.length + pending.length === 0) {
        return 'The tables are up to date.';
      }
      const lines = [
        ...applied.map((name) => `${style.green('applied')} ${name}`),
        ...pending.map((name) => `${style.yellow('pending')} ${name}`),
      ];
      return lines.join('\n');
    },
  });
  return exitCodes.ok;
}

const row = (state: string) => (migration: string) => ({ migration, state });
