import { plainDecimal } from '../../values/decimal-math.ts';
import { durationText } from '../../values/duration.ts';

/** So many times what the plan gives is more likely a slip than meant: seconds for minutes, a zero too many. */
const timesMax = 10;

/**
 * Whether an amount is far beyond what the plan gives in a period, so that `--yes` does not do.
 * @param limit exact decimal in the unit of the meter; null: without limit; of nothing nothing is far
 */
export const isFarBeyond = (quantity: string, limit: string | null): boolean =>
  limit !== null && Number(limit) > 0 && Math.abs(Number(quantity)) > timesMax * Number(limit);

/** For the question: `, 50 times the 10m of the plan`. */
export const farBeyondText = (quantity: string, limit: string | null, unit: string): string =>
  isFarBeyond(quantity, limit)
    ? `, ${Math.floor(Math.abs(Number(quantity)) / Number(limit))} times the ${unit === 'second' ? durationText(plainDecimal(limit ?? '0')).replace(/\d$/, '$&s') : Number(limit)} of the plan`
    : '';
