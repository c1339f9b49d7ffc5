import type { Style } from '../../context.ts';
import { type DifferenceStep, differenceSteps } from '../../reconcile/match/difference-steps.ts';
import type { Reconciliation } from '../../reconcile/months/reconcile-month.ts';
import { type HeadlineMonth, headline } from '../../reconcile/report/headline.ts';
import { foldText } from '../../text/fold-text.ts';
import { amountColumn, roundedSign, scaleMax } from '../../values/amount.ts';

const stepWords: Readonly<Record<DifferenceStep['what'], string>> = {
  'over-billed': 'over-billed',
  'under-billed': 'under-billed',
  'not-compared': 'of which one side states no cost',
  fees: 'fees and credits',
  matched: 'in what agrees',
  'billed-again': 'billed before, over-billed but not of this month',
};

/** How over-billed and under-billed come to the difference. */
export function differenceLines(
  { kinds: found, differences, quantities }: Pick<Reconciliation, 'kinds' | 'differences' | 'quantities'>,
  style: Style,
): string[] {
  if (differences === null || quantities !== null) {
    return [];
  }
  const steps = differenceSteps({ kinds: found, differences });
  const amounts = amountColumn(steps.map(({ amount }) => amount));
  const words = steps.map(({ what }, place) => `${amounts[place]} ${stepWords[what]}`);
  return foldText(`the difference: ${words.join(', ')}`, 0, style, style.dim);
}

/** What to claim back and how sure that is: a sentence a line, the first of them in bold. */
export const headlineLines = (month: HeadlineMonth, style: Style): string[] =>
  headline(month).flatMap((sentence, place) =>
    foldText(sentence, 0, style, place === 0 ? style.bold : undefined),
  );

/** Says that something above was rounded, where it was. */
export const roundingNote = (lines: readonly string[], style: Style): string[] =>
  lines.some((line) => line.includes(roundedSign))
    ? [
        '',
        style.dim(
          `${roundedSign} rounded to ${scaleMax} digits after the point; --output json and csv have all of them`,
        ),
      ]
    : [];

/** What the month comes to; of a bill that states no amounts in what it states instead. */
export function sumsText({
  totals,
  quantities,
  currency,
}: Pick<Reconciliation, 'totals' | 'quantities' | 'currency'>): string {
  const { billed, logged, difference } = quantities ?? totals;
  const [one, other, apart] =
    quantities === null ? amountColumn([billed, logged, difference]) : [billed, logged, difference];
  const money = currency === null ? '' : ` ${currency}`;
  const unit = quantities === null ? money : ` ${quantities.unit}; the bill states no amounts`;
  return `billed ${one}, logged ${other}, difference ${apart}${unit}`;
}
