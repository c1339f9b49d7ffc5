import { amountText, scaleOf, signedText } from '../../html/amounts.ts';
import type { TableColumn } from '../../html/table.ts';
import { differenceOf } from '../match/difference.ts';

interface BilledAndLogged {
  billed: string;
  logged: string;
}

/** Columns of money, with as many digits in all rows as the longest amount has. */
export interface MoneyColumns {
  columns: readonly TableColumn[];
  cells: (sums: BilledAndLogged) => string[];
}

/** Billed, logged and difference; of a bill that states no amounts only what our own records say. */
export function moneyColumns(hasAmounts: boolean, rows: readonly BilledAndLogged[]): MoneyColumns {
  if (!hasAmounts) {
    const scale = scaleOf(rows.map(({ logged }) => logged));
    return {
      columns: [{ title: 'Our cost', kind: 'number' }],
      cells: ({ logged }) => [amountText(logged, scale)],
    };
  }
  const scale = scaleOf(rows.flatMap(({ billed, logged }) => [billed, logged]));
  return {
    columns: ['Billed', 'Logged', 'Difference'].map((title) => ({ title, kind: 'number' })),
    cells: (sums) => [
      amountText(sums.billed, scale),
      amountText(sums.logged, scale),
      signedText(differenceOf(sums), scale),
    ],
  };
}
