import { negated } from '../../values/decimal-math.ts';
import { sumOf } from '../../values/decimal-sum.ts';

/** Billed − logged, as an exact decimal. */
export const differenceOf = ({ billed, logged }: { billed: string; logged: string }): string =>
  sumOf([billed, negated(logged)]);
