import { amountText, isZero, roundedSign } from '../../values/amount.ts';
import { negated } from '../../values/decimal-math.ts';
import type { ExpectedCost } from '../match/rate-store.ts';

/** Providers round each call, or each line: a thousandth of the price is no other price. */
const roundingShare = 0.001;

/** Whether the bill charges another price per minute than the card says. */
export const isOtherPrice = ({ billedPrice, price, rateDifference }: ExpectedCost): boolean =>
  billedPrice !== null &&
  rateDifference !== null &&
  !isZero(rateDifference) &&
  Math.abs(Number(billedPrice) - Number(price)) > Number(price) * roundingShare;

/** What the price list asks, what was billed and for how many seconds, and what our own records come to. */
export function rateSentence(rate: ExpectedCost): string {
  const { name, unit, price, billedSeconds, byBillDurations, loggedSeconds, expected, logs } = rate;
  const asked = `${name}: ${amountText(price)} ${unit} a minute.`;
  const own =
    logs === 0 || loggedSeconds === null
      ? 'Our records have no such calls.'
      : `The ${amountText(loggedSeconds, 0)} s of our own records come to ${amountText(expected)} ${unit}.`;
  if (byBillDurations === null || billedSeconds === null) {
    return `${asked} The bill has no such calls. ${own}`;
  }
  const should = `For the ${amountText(billedSeconds, 0)} s on the bill that is ${amountText(byBillDurations)} ${unit}`;
  return `${asked} ${should}; ${billedWords(rate)}. ${own}`;
}

function billedWords(rate: ExpectedCost): string {
  const { billed, rateDifference, billedPrice, price, unit } = rate;
  if (billed === null || rateDifference === null) {
    return 'the bill does not say what it charged for them';
  }
  if (isZero(rateDifference)) {
    return 'just that was billed';
  }
  const isLess = rateDifference.startsWith('-');
  const size = amountText(isLess ? negated(rateDifference) : rateDifference);
  const start = `${amountText(billed)} ${unit} was billed, ${size} ${unit} ${isLess ? 'less' : 'more'}`;
  return isOtherPrice(rate) && billedPrice !== null
    ? `${start}: ${amountText(billedPrice)} a minute in place of ${amountText(price)}`
    : `${start}, as rounding makes it`;
}

/** The same in short, of a card whose price the bill does not keep. */
export function otherPriceSentence(rate: ExpectedCost): string {
  const { name, unit, price, billedPrice, billedSeconds, rateDifference } = rate;
  const difference = rateDifference ?? '0';
  const isLess = difference.startsWith('-');
  const size = `${amountText(isLess ? negated(difference) : difference)} ${unit} ${isLess ? 'less' : 'more'}`;
  const seconds = amountText(billedSeconds ?? '0', 0);
  return `The price is not that of the price list (${name}): ${amountText(billedPrice ?? '0')} ${unit} a minute was billed in place of ${amountText(price)}, which for ${seconds} s is ${size}.`;
}

/**
 * The cards whose price the bill does not keep. Of several cards for the same lines, which are several readings of one
 * price list, it is enough that the bill keeps one.
 */
export function otherPrices(rates: readonly ExpectedCost[]): ExpectedCost[] {
  const isKept = ({ lines, unit }: ExpectedCost) =>
    rates.some(
      (one) => one.lines === lines && one.unit === unit && one.billed !== null && !isOtherPrice(one),
    );
  return rates.filter((rate) => isOtherPrice(rate) && !isKept(rate));
}

/** What a minute costs if so many seconds cost so much: for reading, to four digits. */
export const minutePrice = (cost: string, seconds: number): string =>
  `${roundedSign}${amountText(((Number(cost) * 60) / seconds).toFixed(4), 4)}`;
