import { quantityFormat } from './quantity-text.ts';

/** Exact decimals as people read them. */

/** Money without needless zeros, with at least cents: `12.50`, `0.0031`. */
export function costText(cost: string): string {
  const [whole = '0', fraction = ''] = cost.split('.');
  return `${whole}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`;
}

/** Money with its currency: `12.50 USD`. */
export const moneyText = (cost: string, { currency }: { currency: string }): string =>
  `${costText(cost)} ${currency}`;

/** A sum of money to look at, to the cent where it has one: `920.87 USD`; `0.0735 USD`. */
export const centsText = (cost: string, style: { currency: string }): string =>
  moneyText(Math.abs(Number(cost)) < 1 ? cost : Number(cost).toFixed(2), style);

/** `1:02:05 h`, with minutes and seconds of two digits; fractions of seconds are left out. */
export function hoursText(seconds: string): string {
  const whole = BigInt(seconds.split('.')[0] ?? '0');
  const twoDigits = (number: bigint) => String(number).padStart(2, '0');
  return `${whole / 3600n}:${twoDigits((whole / 60n) % 60n)}:${twoDigits(whole % 60n)} h`;
}

export const quantityText = (quantity: string, unit: string) =>
  unit === 'second'
    ? hoursText(quantity)
    : unit === 'byte'
      ? `${quantityFormat(unit, quantity).text(quantity)} ${quantityFormat(unit, quantity).unit}`
      : quantity.replace(/\.0+$/, '');

/** A share in percent, to one decimal. */
export const shareText = (part: number, whole: number) =>
  `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(1)} %`;
