import { usageError } from '../errors.ts';
import { decimalWithin } from './decimal.ts';
import { callSeconds } from './duration.ts';
import type { Grammar } from './grammar.ts';

const whole = decimalWithin(0);
const messages: Grammar<string> = {
  parse: whole.parse,
  describeProblem: () => ({ reason: 'is not a whole number of messages', suggestion: 'write it like 120' }),
};

/** How much of a meter: seconds, also as a length of time (`15m`), or a whole number of messages. */
export const quantityOf = (unit: string): Grammar<string> => (unit === 'second' ? callSeconds : messages);

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
