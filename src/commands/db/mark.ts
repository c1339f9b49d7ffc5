import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Environment, Style } from '../../context.ts';
import { selectMark, upsertMark } from '../../db/mark-store.ts';
import { withTransaction } from '../../db/transaction.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { parseChoice } from '../../values/option-values.ts';

interface MarkPlan {
  database: string;
  before: Environment | null;
  after: Environment;
}

/** `quota db mark`: `{dryRun, database, before, after, auditId}`; `before` is null where nobody had said. */
export const dbMark = defineCommand(
  {
    arguments: {
      environment: argument(
        'production, test or development',
        parseChoice('production', 'test', 'development'),
      ),
    },
    options: changeOptions,
    details: `The mark lies in the database: every client that is pointed at it asks for typed confirmations, whatever its own
QUOTA_ENV says. Marking it as production asks nothing; taking that mark away asks for the name of the database.`,
    examples: [
      ['quota db mark production', 'from now on changes are typed, by whoever, from wherever'],
      ['quota db mark development', 'where it was production: asks for its name'],
      ['quota db mark test --confirm app', 'the same without a terminal'],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: optionalReason,
      plan: async ({ client }): Promise<MarkPlan> => ({
        database: client.database ?? '',
        before: (await selectMark(client))?.environment ?? null,
        after: options.environment,
      }),
      isNothing: ({ before, after }) => before === after,
      describe: ({ database, before, after }) => ({
        action: `Mark ${database} as ${after}${before === null ? '' : `, no longer as ${before}`}`,
        name: database,
        // It only adds to the guard; what is not marked yet is not guarded by its mark.
        isGuard: before !== 'production',
        typed: before === 'production',
      }),
      apply: ({ client }, { after }, { reason }) =>
        withTransaction(client, () => upsertMark(client, after, reason)),
      report: ({ plan, applied: auditId = null, dryRun }) => ({
        data: { dryRun, ...plan, auditId },
        text: (_data, style) => markedText(plan, dryRun, style),
      }),
      outdatesCache: false,
    }),
);

const markedText = ({ database, before, after }: MarkPlan, dryRun: boolean, style: Style): string =>
  before === after
    ? `${database} is marked as ${after} already`
    : `${dryRun ? style.yellow('would mark') : style.green('marked')} ${database} as ${after}`;
