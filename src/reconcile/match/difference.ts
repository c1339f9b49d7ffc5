import { DecimalSum } from '../../values/decimal-sum.ts';

/** Billed − logged, as an exact decimal. */
export function differenceOf({ billed, logged }: { billed: string; logged: string }): string {
  const sum = new DecimalSum();
  sum.add(billed);
  sum.add(logged.startsWith('-') ? logged.slice(1) : `-${logged}`);
  return sum.toString();
}
