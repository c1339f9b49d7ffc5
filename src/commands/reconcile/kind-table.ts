import type { Column, Row, Style } from '../../context.ts';
import type { Differences } from '../../reconcile/match/claim.ts';
import { differenceOf } from '../../reconcile/match/difference.ts';
import { isDiscrepancy, type Kind, kindMeanings, kinds } from '../../reconcile/match/kinds.ts';
import type { Reconciliation } from '../../reconcile/months/reconcile-month.ts';
import { textTable } from '../../text/text-table.ts';
import { amountColumns, isZero } from '../../values/amount.ts';

export const kindColumns: readonly Column[] = [
  { key: 'provider' },
  { key: 'month' },
  { key: 'kind' },
  { key: 'count', align: 'right' },
  { key: 'billed', align: 'right' },
  { key: 'logged', align: 'right' },
  { key: 'difference', align: 'right' },
  { key: 'currency' },
  { key: 'overBilled', align: 'right' },
  { key: 'underBilled', align: 'right' },
];

type Money = Pick<Reconciliation, 'provider' | 'month' | 'kinds' | 'currency' | 'differences'>;

/** One row per kind that there is, in the order in which they are decided. Where nothing differs, nothing is over-billed. */
export const kindRows = ({ provider, month, kinds: found, currency, differences }: Money): Row[] =>
  kinds.flatMap((kind) => {
    const sums = found[kind];
    const sides = differences?.kinds[kind];
    return sums === undefined
      ? []
      : [
          {
            ...{ provider, month, kind, ...sums, difference: differenceOf(sums), currency: currency ?? '' },
            overBilled: sides?.overBilled ?? '',
            underBilled: sides?.underBilled ?? '',
          },
        ];
  });

type KindTableData = Pick<Reconciliation, 'kinds' | 'totals' | 'quantities' | 'currency' | 'differences'>;

/** Kinds with their sums, and the totals, as lines. Money that a bill does not state is not missing in it. */
export function kindTable(data: KindTableData, style: Style): string[] {
  const { kinds: found, totals, quantities, differences } = data;
  const present = kinds.flatMap((kind) => {
    const sums = found[kind];
    return sums === undefined ? [] : [{ kind, sums }];
  });
  const beside = present.some(({ kind }) => kind === 'outside_month' || kind === 'duplicate_line');
  const money = moneyColumnsOf(
    quantities !== null,
    [
      ...present.map(({ kind, sums }) => ({ ...sums, ...differences?.kinds[kind] })),
      { ...totals, overBilled: differences?.overBilled, underBilled: differences?.underBilled },
    ],
    data.currency,
  );
  const rows = [
    ...present.map(({ kind, sums }, row) => [
      kind,
      String(sums.count),
      ...money.cells(row),
      kindMeanings[kind],
    ]),
    ['total', '', ...money.cells(present.length), beside ? totalNote(differences) : ''],
  ];
  const colorOf = (row: number) => {
    const kind = present[row]?.kind;
    return kind === undefined ? style.bold : kindColor(kind, style);
  };
  const head = ['kind', 'count', ...money.head, 'meaning'];
  const color = (line: string, row: number) => colorOf(row)(line);
  const dispensable = ['meaning', 'under-billed', 'over-billed'];
  return textTable(rows, { head, left: ['kind', 'meaning'], color, dispensable }, style);
}

const totalNote = (differences: Differences | null) =>
  differences === null || isZero(differences.overBilled)
    ? 'without outside_month and duplicate_line'
    : 'without outside_month and duplicate_line, which is over-billed all the same';

interface MoneyRow {
  billed: string;
  logged: string;
  overBilled?: string | undefined;
  underBilled?: string | undefined;
}

/** Each column with its amounts' points under one another; the currency stands in the head. */
function moneyColumnsOf(isWithoutAmounts: boolean, rows: readonly MoneyRow[], currency: string | null) {
  const unit = currency === null ? '' : ` ${currency}`;
  const logged = rows.map((row) => row.logged);
  const columns = isWithoutAmounts
    ? [{ title: 'our cost', cells: logged }]
    : [
        { title: `billed${unit}`, cells: rows.map(({ billed }) => billed) },
        { title: `logged${unit}`, cells: logged },
        { title: 'difference', cells: rows.map(differenceOf) },
        { title: 'over-billed', cells: rows.map(({ overBilled }) => overBilled ?? '') },
        { title: 'under-billed', cells: rows.map(({ underBilled }) => underBilled ?? '') },
      ];
  const texts = amountColumns(columns.map(({ cells }) => cells));
  return {
    head: columns.map(({ title }) => title),
    cells: (row: number) => texts.map((cells) => cells[row] ?? ''),
  };
}

const kindColor = (kind: Kind, style: Style) =>
  isDiscrepancy(kind) ? style.yellow : kind === 'matched' ? style.green : (text: string) => text;
