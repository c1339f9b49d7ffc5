import type { LeftOut } from '../../files/bad-lines.ts';

/** What could not be read of a bill and was left out, in words: it is missing in all sums. */
export function leftOutWords({ lines, amount, withoutAmount }: LeftOut, noun = 'line'): string {
  const known = lines - withoutAmount;
  const amounts = [
    ...(known > 0 ? [`${withoutAmount > 0 ? `${known} of them with ` : ''}${amount} in all`] : []),
    ...(withoutAmount > 0
      ? [`${known > 0 ? `${withoutAmount} ` : ''}without an amount that can be read`]
      : []),
  ];
  const were = lines === 1 ? `1 ${noun} cannot be read and was` : `${lines} ${noun}s cannot be read and were`;
  return `${were} left out: ${amounts.join(', ')}`;
}
