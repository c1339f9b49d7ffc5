import { amountText, countText, scaleOf, signedText } from '../../html/amounts.ts';
import { bar, rangeOf } from '../../html/bars.ts';
import { cut, type Html, html, noHtml } from '../../html/html.ts';
import { type TableColumn, type TableRow, table } from '../../html/table.ts';
import type { Kind } from '../match/kinds.ts';
import type { ReconciliationReport } from './report.ts';
import { controlSection } from './report-control.ts';
import type { StateSums, UserSums } from './report-store.ts';
import { moneyColumns } from './report-sums.ts';
import { counted, kindWords, reportOrder } from './report-words.ts';

/** Not of this month's bill, though they stand in its files. */
const besideKinds: readonly Kind[] = ['duplicate_line', 'outside_month'];

const ordered: readonly Kind[] = ['matched', ...reportOrder, 'not_connected', 'fee'];
const inMonthKinds = ordered.filter((kind) => !besideKinds.includes(kind));

/** Every cent of the files in one kind: the proof that nothing was left out. */
export function addingUp(report: ReconciliationReport): Html {
  const { stored, exports, kindsBilled, exportsBilled, currency, hasAmounts } = report;
  const { kinds, totals } = stored;
  const total = { billed: kindsBilled, logged: totals.logged };
  const money = moneyColumns(hasAmounts, [total, ...Object.values(kinds)]);
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
<p>Every line of the bill and every call of our records is in exactly one of these rows${currency === null ? '' : ` (amounts in ${currency})`}. ${tieWords(report)}${beside.length === 0 ? noHtml : html` What was billed before or is of another month stands in the files, but does not count in this month.`}</p>
${table({
  caption: 'Kinds, their sums, and the total of the exports',
  columns: [{ title: '', kind: 'wide' }, { title: 'Entries', kind: 'number' }, ...money.columns],
  rows,
})}${controlSection(report)}</section>
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

const isTied = (one: string, other: string) => {
  const scale = scaleOf([one, other]);
  return amountText(one, scale) === amountText(other, scale);
};

/** How many, and how much money, by kind: as bars beside the figures. */
export function differencesByKind({ kinds, currency, hasAmounts }: ReconciliationReport): Html {
  if (kinds.length === 0) {
    return noHtml;
  }
  const rows = reportOrder.flatMap((kind) => kinds.filter((one) => one.kind === kind));
  const counts = rangeOf(rows.map(({ count }) => count));
  const money = rangeOf(rows.map(({ difference }) => Number(difference)));
  const scale = scaleOf(rows.map(({ difference }) => difference));
  const moneyHeads: TableColumn[] = [
    { title: `Billed − logged${currency === null ? '' : `, ${currency}`}`, kind: 'number' },
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
      ...(hasAmounts ? [signedText(difference, scale), bar(Number(difference), money)] : []),
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
export function stateSection({ states, hasAmounts }: ReconciliationReport): Html {
  if (states.length === 0) {
    return noHtml;
  }
  const money = moneyColumns(hasAmounts, states);
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
export function topUsers({ users: { users, total }, currency, hasAmounts }: ReconciliationReport): Html {
  if (!users.some(({ user }) => user !== null)) {
    return noHtml;
  }
  const sizeOf = ({ difference, count }: UserSums) => (hasAmounts ? Number(difference) : count);
  const range = rangeOf(users.map(sizeOf));
  const money = moneyColumns(hasAmounts, users);
  const more = total - users.length;
  const notes = [
    ...(more === 0
      ? []
      : [`${counted(countText(more), 'more user has', 'more users have')} smaller differences.`]),
    ...(currency === null ? [] : [`Amounts in ${currency}.`]),
  ];
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
})}<p class="note">${notes.join(' ')}</p></section>
`;
}

const userName = ({ user }: UserSums): string | Html =>
  user === null ? html`<em>nobody whom we know</em>` : cut(user, 160);
