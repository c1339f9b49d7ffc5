import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import type { StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import { selectReconciliations } from '../../reconcile/months/stored-reconciliation-store.ts';
import { parseMonth } from '../../values/option-values.ts';
import { lowerCase } from './options.ts';
import { textTable } from './text-table.ts';

/** `quota reconcile list`: `[{id, provider, month, exports, kinds, totals, open, resolved, closedAt, closedBy, …}]`. */
export const reconcileList = defineCommand(
  {
    options: {
      month: value('month', 'only this month', parseMonth),
      provider: value('provider', 'only this provider', lowerCase),
    },
    examples: [['quota reconcile list', 'newest first']],
  },
  async (context, options) => {
    const data = await context.withDatabase(({ client }) => selectReconciliations(client, options));
    const rows = data.map(listRow);
    await context.output.write({
      data,
      rows,
      columns: columns.map((key) => ({ key })),
      text: (months, style) => listText(months, style),
    });
    return exitCodes.ok;
  },
);

const columns = [
  'provider',
  'month',
  'state',
  'exports',
  'lines',
  'open',
  'billed',
  'logged',
  'difference',
  'control',
];

function listRow({ provider, month, exports, totals, open, closedAt, ...stored }: StoredReconciliation) {
  const { control, statesAmounts } = stored;
  return {
    provider,
    month,
    state: closedAt === null ? 'open' : 'closed',
    exports: exports.length,
    lines: exports.reduce((sum, { lines }) => sum + lines, 0),
    open: countAll(open),
    ...(statesAmounts ? totals : { logged: totals.logged }),
    // By the provider's own count, of a month that was fetched.
    control: control === null ? '' : control.agrees ? 'agrees' : 'differs',
  };
}

export const countAll = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

function listText(months: StoredReconciliation[], style: Style): string {
  if (months.length === 0) {
    return 'No month has been reconciled yet: quota reconcile --month 2026-10 --export FILE';
  }
  const head = columns.filter((key) => key !== 'control' || months.some(({ control }) => control !== null));
  return textTable(
    months.map(listRow).map((row) => head.map((key) => String(row[key as keyof typeof row] ?? ''))),
    { head, left: ['provider', 'month', 'state', 'control'] },
    style,
  ).join('\n');
}
