import { isZero } from '../../values/amount.ts';
import { negated } from '../../values/decimal-math.ts';
import { sumOf } from '../../values/decimal-sum.ts';
import type { Differences } from './claim.ts';
import type { Answer } from './compute-answer.ts';
import { differenceOf } from './difference.ts';

/** One summand of the difference of a month, with its sign. */
export interface DifferenceStep {
  what: 'over-billed' | 'under-billed' | 'billed-again' | 'fees' | 'matched' | 'not-compared';
  amount: string;
}

/**
 * How over-billed and under-billed become the difference of a month: the amounts add up to it, to the last digit.
 * What was billed again is over-billed, but no use of the month, so it is taken out at last.
 */
export function differenceSteps({
  kinds,
  differences,
}: Pick<Answer, 'kinds'> & { differences: Differences }): DifferenceStep[] {
  const { overBilled, underBilled, billedAgain, notCompared } = differences;
  const zero = { billed: '0', logged: '0' };
  const agreed = [kinds.matched ?? zero, kinds.not_connected ?? zero].map(differenceOf);
  const steps: DifferenceStep[] = [
    { what: 'over-billed', amount: overBilled },
    { what: 'under-billed', amount: negated(underBilled) },
    { what: 'not-compared', amount: differenceOf(notCompared) },
    { what: 'fees', amount: differenceOf(kinds.fee ?? zero) },
    { what: 'matched', amount: sumOf(agreed) },
    { what: 'billed-again', amount: negated(billedAgain) },
  ];
  return steps.filter(({ what, amount }) => what.endsWith('r-billed') || !isZero(amount));
}
