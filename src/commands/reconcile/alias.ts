import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Context } from '../../context.ts';
import { withTransaction } from '../../db/transaction.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { declareCommand, defineCommand, type OptionsOf } from '../../declarations/command.ts';
import { flag, optionalArgument } from '../../declarations/option.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import { selectAlias, selectAliases, updateAlias } from '../../reconcile/match/alias-store.ts';
import { textTable } from '../../text/text-table.ts';

const declaration = declareCommand({
  arguments: {
    name: optionalArgument('as the bill has it: "Claude Sonnet 3.5"'),
    model: optionalArgument('as the logs have it: claude-3-5-sonnet'),
  },
  options: { remove: flag('the name stands for nothing else any more'), ...changeOptions },
  examples: [
    ['quota reconcile alias', 'the names that are known'],
    ['quota reconcile alias "Sonnet next" claude-sonnet-5', 'their days are compared from now on'],
  ],
});

type Options = OptionsOf<typeof declaration>;

/**
 * `quota reconcile alias`: without a name `[{alias, model, notedAt, notedBy}]`; with one
 * `{alias, before, model, dryRun, auditId}`.
 */
export const reconcileAlias = defineCommand(declaration, async (context, options) => {
  const { name, model, remove = false } = options;
  if (name === undefined) {
    const aliases = await context.withDatabase(({ client }) => selectAliases(client));
    const columns = ['alias', 'model', 'notedBy', 'notedAt'] as const;
    await context.output.write({
      data: aliases,
      rows: aliases.map((alias) => ({ ...alias })),
      columns: columns.map((key) => ({ key })),
      text: (all, style) =>
        textTable(
          all.map((alias) => columns.map((key) => alias[key])),
          {
            head: ['bills say', 'logs say', 'noted by', 'at'],
            left: ['bills say', 'logs say', 'noted by', 'at'],
          },
          style,
        ).join('\n'),
    });
    return exitCodes.ok;
  }
  if ((model === undefined) !== remove) {
    throw usageError('an alias needs the model that it stands for', {
      suggestion: `quota reconcile alias "${name}" MODEL, or quota reconcile alias "${name}" --remove`,
    });
  }
  return changeAlias(context, { ...options, name }, model ?? null);
});

/** The yes is in the command: an alias can be taken back by the next one. Production asks all the same. */
const changeAlias = (
  context: Context,
  options: Options & { name: string },
  model: string | null,
): Promise<ExitCode> =>
  runChange(
    context,
    { ...options, yes: true },
    {
      reason: optionalReason,
      plan: async ({ client }) => {
        const { alias, model: before } = await selectAlias(client, options.name);
        if (alias === '') {
          throw usageError(`"${options.name}" has no letter or digit`);
        }
        return { alias, before };
      },
      isNothing: ({ before }) => before === model,
      describe: ({ alias }) => ({
        action: model === null ? `Forget the alias ${alias}` : `Let ${alias} stand for ${model}`,
        name: alias,
      }),
      apply: ({ client }, { alias, before }, { reason }) =>
        withTransaction(client, async () => {
          await updateAlias(client, alias, model);
          return insertAuditEntry(client, {
            action: 'model.alias',
            subject: alias,
            reason,
            before: { model: before },
            after: { model },
          });
        }),
      outdatesCache: false,
      report: ({ plan: { alias, before }, applied: auditId = null, dryRun }) => ({
        data: { alias, before, model, dryRun, auditId },
        text: (_data, style) => {
          if (auditId === null && !dryRun) {
            return 'Nothing to do.';
          }
          const words = model === null ? `${alias} stands for nothing else` : `${alias} stands for ${model}`;
          return `${dryRun ? style.yellow('would note') : style.green('noted')}: ${words}; months change when they are reconciled again`;
        },
      }),
    },
  );
