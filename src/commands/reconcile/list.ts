import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { type Differences, readDifferences } from '../../reconcile/match/claim.ts';
import type { StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import { selectReconciliations } from '../../reconcile/months/stored-reconciliation-store.ts';
import { textTable } from '../../text/text-table.ts';
import { amountColumn } from '../../values/amount.ts';
import { parseMonth } from '../../values/option-values.ts';
import { lowerCase } from './options.ts';
import { roundingNote } from './sums-text.ts';

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
    const data = await context.withDatabase(async ({ client }) => {
      const months = await selectReconciliations(client, options);
      const differences = await readDifferences(client, months);
      return months.map(
        (month): ListedMonth => ({ ...month, differences: differences.get(month.id) ?? null }),
      );
    });
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

/** A month with what differs in it, in money. */
type ListedMonth = StoredReconciliation & { differences: Differences | null };

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
  'currency',
  'overBilled',
  'underBilled',
  'toClaim',
  'control',
];

function listRow({ provider, month, exports, totals, open, closedAt, ...stored }: ListedMonth) {
  const { control, statesAmounts, currency, differences } = stored;
  return {
    provider,
    month,
    state: closedAt === null ? 'open' : 'closed',
    exports: exports.length,
    lines: exports.reduce((sum, { lines }) => sum + lines, 0),
    open: countAll(open),
    ...(statesAmounts ? totals : { logged: totals.logged }),
    currency: currency ?? '',
    overBilled: differences?.overBilled ?? '',
    underBilled: differences?.underBilled ?? '',
    toClaim: differences?.claim.amount ?? '',
    // By the provider's own count, of a month that was fetched.
    control: control === null ? '' : control.agrees ? 'agrees' : 'differs',
  };
}

export const countAll = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

const headings: Readonly<Record<string, string>> = {
  overBilled: 'over-billed',
  underBilled: 'under-billed',
  toClaim: 'to claim',
};

/** Months of several providers share their columns: each amount stands with its point under that of the others. */
function listText(months: ListedMonth[], style: Style): string {
  if (months.length === 0) {
    return 'No month has been reconciled yet: quota reconcile --month 2026-10 --export FILE';
  }
  const rows = months.map(listRow);
  const head = columns.filter((key) => rows.some((row) => String(row[key as keyof typeof row] ?? '') !== ''));
  const cells = head.map((key) => {
    const column = rows.map((row) => String(row[key as keyof typeof row] ?? ''));
    return moneyKeys.includes(key) ? amountColumn(column) : column;
  });
  const lines = textTable(
    rows.map((_, place) => cells.map((column) => column[place] ?? '')),
    {
      head: head.map((key) => headings[key] ?? key),
      left: ['provider', 'month', 'state', 'currency', 'control'],
      dispensable: ['lines', 'exports', 'under-billed', 'over-billed', 'logged'],
    },
    style,
  );
  return [...lines, ...roundingNote(lines, style)].join('\n');
}

const moneyKeys = ['billed', 'logged', 'difference', 'overBilled', 'underBilled', 'toClaim'];
