import { amountText, countText, scaleOf, signedText } from '../html/amounts.ts';
import { bar, rangeOf } from '../html/bars.ts';
import { cut, type Html, html, noHtml } from '../html/html.ts';
import { type TableColumn, type TableRow, table } from '../html/table.ts';
import { differenceOf } from './difference.ts';
import type { Kind } from './kinds.ts';
import type { ReconciliationReport } from './report.ts';
import type { UserSums } from './report-store.ts';
import { counted, kindWords, reportOrder } from './report-words.ts';

/** Not of this month's bill, though they stand in its files. */
const besideKinds: readonly Kind[] = ['duplicate_line', 'outside_month'];

export const sumColumns = (first: string, count: string): TableColumn[] => [
  { title: first, kind: 'wide' },
  { title: count, kind: 'number' },
  { title: 'Billed', kind: 'number' },
  { title: 'Logged', kind: 'number' },
  { title: 'Difference', kind: 'number' },
];

/** Every cent of the files in one kind: the proof that nothing was left out. */
export function addingUp({
  stored,
  exports,
  kindsBilled,
  exportsBilled,
  currency,
}: ReconciliationReport): Html {
  const { kinds, totals } = stored;
  const scale = scaleOf([
    kindsBilled,
    ...Object.values(kinds).flatMap(({ billed, logged }) => [billed, logged]),
  ]);
  const rowsOf = (some: readonly Kind[]): TableRow[] =>
    some.flatMap((kind) => {
      const sums = kinds[kind];
      return sums === undefined
        ? []
        : [
            {
              cells: [
                html`${kindWords[kind].title}<small>${kindWords[kind].sentence}</small>`,
                countText(sums.count),
                amountText(sums.billed, scale),
                amountText(sums.logged, scale),
                signedText(differenceOf(sums), scale),
              ],
            },
          ];
    });
  const inMonth = rowsOf(
    ['matched' as const, ...reportOrder, 'not_connected' as const, 'fee' as const].filter(
      (kind) => !besideKinds.includes(kind),
    ),
  );
  const beside = rowsOf(besideKinds);
  const rows: TableRow[] = [
    ...inMonth,
    {
      style: 'total',
      cells: [
        'This month',
        '',
        amountText(totals.billed, scale),
        amountText(totals.logged, scale),
        signedText(totals.difference, scale),
      ],
    },
    ...beside,
    { style: 'total', cells: ['All of the above', '', amountText(kindsBilled, scale), '', ''] },
    {
      style: 'total',
      cells: [
        exports.length === 1 ? 'The exported file' : `The ${countText(exports.length)} exported files`,
        '',
        amountText(exportsBilled, scale),
        '',
        '',
      ],
    },
  ];
  return html`<section><h2>How the bill adds up</h2>
<p>Every line of the bill and every call of our records is in exactly one of these rows${currency === null ? '' : ` (amounts in ${currency})`}. ${
    isTied(kindsBilled, exportsBilled)
      ? html`<strong class="good">Together they are what the files say, to the last digit.</strong>`
      : html`<strong class="open">They are not what the files say: run the reconciliation again.</strong>`
  }${beside.length === 0 ? noHtml : html` What was billed before or is of another month stands in the files, but does not count in this month.`}</p>
${table({ caption: 'Kinds, their sums, and the total of the exports', columns: sumColumns('', 'Entries'), rows })}</section>
`;
}

const isTied = (one: string, other: string) => {
  const scale = scaleOf([one, other]);
  return amountText(one, scale) === amountText(other, scale);
};

/** How many, and how much money, by kind: as bars beside the figures. */
export function differencesByKind({ kinds, currency }: ReconciliationReport): Html {
  if (kinds.length === 0) {
    return noHtml;
  }
  const ordered = [...kinds].sort(
    (one, other) => reportOrder.indexOf(one.kind) - reportOrder.indexOf(other.kind),
  );
  const counts = rangeOf(ordered.map(({ count }) => count));
  const money = rangeOf(ordered.map(({ difference }) => Number(difference)));
  const scale = scaleOf(ordered.map(({ difference }) => difference));
  return html`<section><h2>What differs</h2>
${table({
  caption: 'Differences by kind: how many, and how much money',
  columns: [
    { title: 'Kind', kind: 'name' },
    { title: 'Entries', kind: 'number' },
    { title: 'of them open', kind: 'number' },
    { title: '', kind: 'bar' },
    { title: `Billed − logged${currency === null ? '' : `, ${currency}`}`, kind: 'number' },
    { title: '', kind: 'bar' },
  ],
  rows: ordered.map(({ kind, count, open, difference }) => ({
    cells: [
      html`<a href="#${kind}">${kindWords[kind].title}</a>`,
      countText(count),
      open === 0 ? '0' : html`<span class="open">${countText(open)}</span>`,
      bar(count, counts, 'plain'),
      signedText(difference, scale),
      bar(Number(difference), money),
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
export function stateSection({ states }: ReconciliationReport): Html {
  if (states.length === 0) {
    return noHtml;
  }
  const scale = scaleOf(states.flatMap(({ billed, logged }) => [billed, logged]));
  return html`<section><h2>Open and resolved</h2>
${table({
  caption: 'Differences by what became of them',
  columns: sumColumns('', 'Entries'),
  rows: states.map(({ resolution, count, settled, billed, logged, difference }) => ({
    cells: [
      html`${resolution === null ? html`<span class="open">Open</span>` : stateNames[resolution]}${
        settled === 0
          ? noHtml
          : html`<small>${counted(countText(settled), 'entry agrees', 'entries agree')} by now; the amounts are those that were found</small>`
      }`,
      countText(count),
      amountText(billed, scale),
      amountText(logged, scale),
      signedText(difference, scale),
    ],
  })),
})}</section>
`;
}

/** Whose calls the differences are. */
export function topUsers({ users: { users, total }, currency }: ReconciliationReport): Html {
  if (!users.some(({ user }) => user !== null)) {
    return noHtml;
  }
  const range = rangeOf(users.map(({ difference }) => Number(difference)));
  const scale = scaleOf(users.flatMap(({ billed, logged }) => [billed, logged]));
  const more = total - users.length;
  return html`<section><h2>Users with the largest differences</h2>
${table({
  caption: 'Users by difference',
  columns: [
    ...sumColumns('User', 'Entries').map((column, place) =>
      place === 0 ? { title: 'User', kind: 'name' as const } : column,
    ),
    { title: '', kind: 'bar' },
  ],
  rows: users.map((sums) => ({
    cells: [
      userName(sums),
      countText(sums.count),
      amountText(sums.billed, scale),
      amountText(sums.logged, scale),
      signedText(sums.difference, scale),
      bar(Number(sums.difference), range),
    ],
  })),
})}${
  more === 0
    ? noHtml
    : html`<p class="note">${counted(countText(more), 'more user has', 'more users have')} smaller differences.</p>`
}${currency === null ? noHtml : html`<p class="note">Amounts in ${currency}.</p>`}</section>
`;
}

const userName = ({ user }: UserSums): string | Html =>
  user === null ? html`<em>nobody whom we know</em>` : cut(user, 160);
