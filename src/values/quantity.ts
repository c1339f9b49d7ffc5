import { usageError } from '../errors.ts';
import { bytes } from './bytes.ts';
import { decimalWithin } from './decimal.ts';
import { callSeconds } from './duration.ts';
import type { Grammar } from './grammar.ts';

const whole = decimalWithin(0);
const wholeOf = (unit: string): Grammar<string> => ({
  parse: whole.parse,
  describeProblem: () => ({ reason: `is not a whole number of ${unit}s`, suggestion: 'write it like 120' }),
});
const grammars: Readonly<Record<string, Grammar<string>>> = {
  second: callSeconds,
  byte: bytes,
  credit: decimalWithin(3),
};

/**
 * How much of a meter: seconds, also as a length of time (`15m`), bytes, also as a size (`25MB`), credits with up to three
 * decimals, a whole number of anything else.
 */
export const quantityOf = (unit: string): Grammar<string> => grammars[unit] ?? wholeOf(unit);

/**
 * A quantity that was typed before its unit was known.
 * @throws usageError where the unit takes no such text
 */
export function quantityIn(unit: string, text: string): string {
  const quantity = quantityOf(unit).parse(text);
  if (quantity === null) {
    const { reason, suggestion } = quantityOf(unit).describeProblem(text);
    throw usageError(`"${text}" ${reason}`, { suggestion });
  }
  return quantity;
}
