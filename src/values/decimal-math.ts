/** Without the zeros in front, and with one before a point that nothing stands before. */
export function tidyDecimal(negative: boolean, unsigned: string): string {
  const stripped = unsigned.replace(/^0+(?=\d)/, '');
  const whole = stripped.startsWith('.') ? `0${stripped}` : stripped;
  return negative ? `-${whole}` : whole;
}

/** Moves the point of an exact decimal by `places` to the right (to the left if negative): `('123.45', -2)` is `1.2345`. */
export function shiftDecimal(decimal: string, places: number): string {
  const negative = decimal.startsWith('-');
  const unsigned = negative ? decimal.slice(1) : decimal;
  const [whole = '', fraction = ''] = unsigned.split('.');
  if (places >= 0) {
    const padded = fraction.padEnd(places, '0');
    const rest = padded.slice(places);
    return tidyDecimal(negative, rest === '' ? whole + padded : `${whole}${padded.slice(0, places)}.${rest}`);
  }
  const padded = whole.padStart(1 - places, '0');
  const cut = padded.length + places;
  return tidyDecimal(negative, `${padded.slice(0, cut)}.${padded.slice(cut)}${fraction}`);
}

/** An exact decimal times a whole number, e.g. minutes to seconds. */
export function multiplyDecimal(decimal: string, factor: number): string {
  const point = decimal.indexOf('.');
  const places = point === -1 ? 0 : decimal.length - point - 1;
  const product = BigInt(decimal.replace('.', '')) * BigInt(factor);
  return shiftDecimal(product.toString(), -places);
}

/** The decimal with the other sign. */
export const negated = (decimal: string): string =>
  decimal.startsWith('-') ? decimal.slice(1) : `-${decimal}`;

/** Whether two decimals are the same number: `1.50` and `1.5` are. */
export const sameDecimal = (one: string, other: string): boolean => plainDecimal(one) === plainDecimal(other);

/** Without the zeros at the end of its fraction, and zero without a sign. */
export function plainDecimal(decimal: string): string {
  const trimmed = decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
  return trimmed === '-0' ? '0' : trimmed;
}

/** To so many digits after the point, halves away from zero: `('2.345', 2)` is `2.35`. What has fewer keeps them. */
export function roundDecimal(decimal: string, places: number): string {
  const negative = decimal.startsWith('-');
  const [whole = '', fraction = ''] = decimal.replace('-', '').split('.');
  if (fraction.length <= places) {
    return decimal;
  }
  const kept = BigInt(whole + fraction.slice(0, places)) + (fraction.charAt(places) >= '5' ? 1n : 0n);
  return shiftDecimal(`${negative && kept > 0n ? '-' : ''}${kept}`, -places);
}
