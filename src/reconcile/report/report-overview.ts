import { amountCell, signedCell } from '../../html/amount-cell.ts';
import { bar, rangeOf } from '../../html/bars.ts';
import { cut, type Html, type HtmlValue, html, noHtml } from '../../html/html.ts';
import { type TableColumn, type TableRow, table } from '../../html/table.ts';
import { amountText, countText, scaleOf } from '../../values/amount.ts';
import type { Kind } from '../match/kinds.ts';
import type { ReconciliationReport } from './report.ts';
import { differenceTable } from './report-claim.ts';
import { controlSection } from './report-control.ts';
import type { StateSums, UserSums } from './report-store.ts';
import { moneyColumns, moneyTitle } from './report-sums.ts';
import { counted, kindWords, reportOrder } from './report-words.ts';

/** Not of this month's bill, though they stand in its files. */
const besideKinds: readonly Kind[] = ['duplicate_line', 'outside_month'];

const ordered: readonly Kind[] = ['matched', ...reportOrder, 'not_connected', 'fee'];
const inMonthKinds = ordered.filter((kind) => !besideKinds.includes(kind));

/** Every cent of the files in one kind: the proof that nothing was left out. */
export function addingUp(report: ReconciliationReport): Html {
  const { stored, exports, kindsBilled, exportsBilled, hasAmounts } = report;
  const { kinds, totals } = stored;
  const total = { billed: kindsBilled, logged: totals.logged };
  const money = moneyColumns(report, [total, ...Object.values(kinds)]);
  const rowsOf = (some: readonly Kind[]): TableRow[] =>
    some.flatMap((kind) => {
      const sums = kinds[kind];
      const name = html`${kindWords[kind].title}<small>${kindWords[kind].sentence}</small>`;
      return sums === undefined ? [] : [{ cells: [name, countText(sums.count), ...money.cells(sums)] }];
    });
  const beside = rowsOf(besideKinds);
  const files =
    exports.length === 1 ? 'The exported file' : `The ${countText(exports.length)} exported files`;
  const only = (billed: string) => [money.cells({ billed, logged: '0' })[0] ?? '', '', ''];
  const rows: TableRow[] = [
    ...rowsOf(inMonthKinds),
    { style: 'total', cells: ['This month', '', ...money.cells(totals)] },
    ...beside,
    ...(hasAmounts
      ? [
          { style: 'total' as const, cells: ['All of the above', '', ...only(kindsBilled)] },
          { style: 'total' as const, cells: [files, '', ...only(exportsBilled)] },
        ]
      : []),
  ];
  return html`<section><h2>How the bill adds up</h2>
<p>Every line of the bill and every call of our records is in exactly one of these rows. ${tieWords(report)}${beside.length === 0 ? noHtml : html` What was billed before or is of another month stands in the files, but does not count in this month.`}</p>
${table({
  caption: 'Kinds, their sums, and the total of the exports',
  columns: [{ title: '', kind: 'wide' }, { title: 'Entries', kind: 'number' }, ...money.columns],
  rows,
})}${invoiceWords(report)}${controlSection(report)}${differenceTable(report)}</section>
`;
}

function tieWords({ kindsBilled, exportsBilled, hasAmounts }: ReconciliationReport): Html {
  if (!hasAmounts) {
    return html`This bill states no amounts: calls and durations are compared, money is not.`;
  }
  return isTied(kindsBilled, exportsBilled)
    ? html`<strong class="good">Together they are what the files say, to the last digit.</strong>`
    : html`<strong class="open">They are not what the files say: run the reconciliation again.</strong>`;
}

/** How the use of a month becomes its invoice, where the bill says. */
function invoiceWords({ bill: { invoice }, currency }: ReconciliationReport): Html {
  if (invoice === null) {
    return noHtml;
  }
  const { billed, use, ofOtherMonths, onOtherInvoices } = invoice;
  const unit = currency === null ? '' : ` ${currency}`;
  return html`<p>The invoice of the month comes to ${amountText(billed)}${unit}: ${amountText(use)} of the month, and ${amountText(ofOtherMonths)} of other months, without ${amountText(onOtherInvoices)} that is on other invoices.</p>
`;
}

const isTied = (one: string, other: string) => {
  const scale = scaleOf([one, other]);
  return amountText(one, scale) === amountText(other, scale);
};

/** How many, and how much money, by kind: as bars beside the figures. */
export function differencesByKind({ kinds, currency, hasAmounts, differences }: ReconciliationReport): Html {
  if (kinds.length === 0) {
    return noHtml;
  }
  const rows = reportOrder.flatMap((kind) => kinds.filter((one) => one.kind === kind));
  const counts = rangeOf(rows.map(({ count }) => count));
  const money = rangeOf(rows.map(({ difference }) => Number(difference)));
  const scale = scaleOf(rows.map(({ difference }) => difference));
  const sides = (kind: Kind): HtmlValue[] => {
    const { overBilled, underBilled } = differences?.kinds[kind] ?? { overBilled: '0', underBilled: '0' };
    return [amountCell(overBilled, scale), amountCell(underBilled, scale)];
  };
  const moneyHeads: TableColumn[] = [
    { title: moneyTitle('Over-billed', currency), kind: 'number' },
    { title: moneyTitle('Under-billed', currency), kind: 'number' },
    { title: moneyTitle('Billed − logged', currency), kind: 'number' },
    { title: '', kind: 'bar' },
  ];
  return html`<section><h2>What differs</h2>
${table({
  caption: 'Differences by kind: how many, and how much money',
  columns: [
    { title: 'Kind', kind: 'name' },
    { title: 'Entries', kind: 'number' },
    { title: 'of them open', kind: 'number' },
    { title: '', kind: 'bar' },
    ...(hasAmounts ? moneyHeads : []),
  ],
  rows: rows.map(({ kind, count, open, difference }) => ({
    cells: [
      html`<a href="#${kind}">${kindWords[kind].title}</a>`,
      countText(count),
      open === 0 ? '0' : html`<span class="open">${countText(open)}</span>`,
      bar(count, counts, 'plain'),
      ...(hasAmounts ? [...sides(kind), signedCell(difference, scale), bar(Number(difference), money)] : []),
    ],
  })),
})}</section>
`;
}

const stateNames = {
  accepted: 'Accepted: we pay it as it is',
  disputed: 'Disputed with the provider',
  corrected: 'Corrected in our records',
};

/** What is open, and what became of the rest. */
export function stateSection(report: ReconciliationReport): Html {
  const { states } = report;
  if (states.length === 0) {
    return noHtml;
  }
  const money = moneyColumns(report, states);
  return html`<section><h2>Open and resolved</h2>
${table({
  caption: 'Differences by what became of them',
  columns: [{ title: '', kind: 'wide' }, { title: 'Entries', kind: 'number' }, ...money.columns],
  rows: states.map((state) => ({ cells: [stateName(state), countText(state.count), ...money.cells(state)] })),
})}</section>
`;
}

function stateName({ resolution, settled }: StateSums): Html {
  const name = resolution === null ? html`<span class="open">Open</span>` : html`${stateNames[resolution]}`;
  return settled === 0
    ? name
    : html`${name}<small>${counted(countText(settled), 'entry agrees', 'entries agree')} by now; the amounts are those that were found</small>`;
}

/** Whose calls the differences are. */
export function topUsers(report: ReconciliationReport): Html {
  const {
    users: { users, total },
    hasAmounts,
  } = report;
  if (!users.some(({ user }) => user !== null)) {
    return noHtml;
  }
  const sizeOf = ({ difference, count }: UserSums) => (hasAmounts ? Number(difference) : count);
  const range = rangeOf(users.map(sizeOf));
  const money = moneyColumns(report, users);
  const more = total - users.length;
  const note = `${counted(countText(more), 'more user has', 'more users have')} smaller differences.`;
  return html`<section><h2>Users with the largest differences</h2>
${table({
  caption: 'Users by difference',
  columns: [
    { title: 'User', kind: 'name' },
    { title: 'Entries', kind: 'number' },
    ...money.columns,
    { title: '', kind: 'bar' },
  ],
  rows: users.map((sums) => ({
    cells: [
      userName(sums),
      countText(sums.count),
      ...money.cells(sums),
      bar(sizeOf(sums), range, hasAmounts ? 'signed' : 'plain'),
    ],
  })),
})}${more === 0 ? noHtml : html`<p class="note">${note}</p>`}</section>
`;
}

const userName = ({ user }: UserSums): string | Html =>
  user === null ? html`<em>nobody whom we know</em>` : cut(user, 160);
