import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Style } from '../../context.ts';
import { type CallTable, selectCallTable } from '../../db/partition/call-table-store.ts';
import { type Partitioned, partitionCalls, requireFit } from '../../db/partition/partition-calls.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { value } from '../../declarations/option.ts';
import { counted } from '../../values/counted.ts';
import { parseMonth } from '../../values/option-values.ts';

/**
 * `quota db partition`: `{dryRun, isPartitioned, rows, bytes, border, lastStartedAt, dependents, months, lockedMs, auditId}`;
 * the last three are null where nothing was changed.
 */
export const dbPartition = defineCommand(
  {
    options: {
      ...changeOptions,
      from: value(
        'month',
        'the first month with a partition of its own (default: the one after next)',
        parseMonth,
      ),
    },
    details: `What is there becomes one partition, and each month from then on another; quota jobs purge makes them ahead, and
what begins in no month that is made lies in call_logs_rest. Keys of calls are held by a table of their own. Most of the work is
done while apps go on; then nobody reads or writes calls for as long as the tables take to change places. Broken off, it goes on
where it was, until quota jobs purge takes back what there is of it. There is no way back but a backup that is restored into a new database.`,
    examples: [
      ['quota db partition --dry-run', 'how big the table is, and what is in the way'],
      ['quota db partition --reason "a hundred million calls" --yes', 'by month from the one after next'],
      ['quota db partition --from 2027-01 --confirm app', 'in production, on the database "app"'],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: optionalReason,
      async plan({ client }) {
        const table = await selectCallTable(client, options.from ?? null);
        if (!table.isPartitioned) {
          requireFit(table);
        }
        return table;
      },
      isNothing: ({ isPartitioned }) => isPartitioned,
      describe: (plan, { client }) => ({
        action: `Partition the calls of ${client.database} by month`,
        name: client.database ?? '',
        isDangerous: true,
        lines: [tableText(plan)],
      }),
      apply: (database, plan, { reason }) => partitionCalls(database, plan, reason, context),
      report: ({ plan, applied, dryRun }) => ({
        data: {
          dryRun,
          ...plan,
          ...(applied ?? { months: null, lockedMs: null, auditId: null }),
        },
        text: (_data, style) => partitionText(plan, applied, style),
      }),
      database: { onAbort: 'finish' },
      outdatesCache: false,
    }),
);

const tableText = ({ rows, bytes, border }: CallTable): string =>
  `About ${counted(Number(rows), 'call')} (${Math.ceil(Number(bytes) / 1_000_000)} MB with indexes) become one partition; from ${border} on each month is one.`;

const partitionText = (plan: CallTable, applied: Partitioned | undefined, style: Style): string => {
  if (applied !== undefined) {
    const { months, lockedMs } = applied;
    return `${style.green('partitioned')} the calls by month, ${counted(months, 'month')} ahead; calls waited for ${lockedMs} ms`;
  }
  return plan.isPartitioned
    ? 'The calls are partitioned by month already.'
    : `${style.yellow('would partition')} the calls by month\n${tableText(plan)}`;
};
