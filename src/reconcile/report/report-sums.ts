import { amountCell, signedCell } from '../../html/amount-cell.ts';
import type { HtmlValue } from '../../html/html.ts';
import type { TableColumn } from '../../html/table.ts';
import { scaleOf } from '../../values/amount.ts';
import { differenceOf } from '../match/difference.ts';

interface BilledAndLogged {
  billed: string;
  logged: string;
}

/** Columns of money, with as many digits in all rows as the longest amount has. */
export interface MoneyColumns {
  columns: readonly TableColumn[];
  cells: (sums: BilledAndLogged) => HtmlValue[];
}

/** A column that holds money says of which currency: `Billed, USD`. */
export const moneyTitle = (title: string, currency: string | null): string =>
  currency === null ? title : `${title}, ${currency}`;

interface Bill {
  hasAmounts: boolean;
  currency: string | null;
}

/** Billed, logged and difference; of a bill that states no amounts only what our own records say. */
export function moneyColumns({ hasAmounts, currency }: Bill, rows: readonly BilledAndLogged[]): MoneyColumns {
  if (!hasAmounts) {
    const scale = scaleOf(rows.map(({ logged }) => logged));
    return {
      columns: [{ title: 'Our cost', kind: 'number' }],
      cells: ({ logged }) => [amountCell(logged, scale)],
    };
  }
  const scale = scaleOf(rows.flatMap(({ billed, logged }) => [billed, logged]));
  return {
    columns: ['Billed', 'Logged', 'Difference'].map((title) => ({
      title: moneyTitle(title, currency),
      kind: 'number',
    })),
    cells: (sums) => [
      amountCell(sums.billed, scale),
      amountCell(sums.logged, scale),
      signedCell(differenceOf(sums), scale),
    ],
  };
}
