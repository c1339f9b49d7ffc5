/** Exact decimals as a page shows them. They stay text: nothing is rounded. */

/** How many digits after the point a column needs so that every amount in it is whole; cents at least. */
export const scaleOf = (decimals: readonly (string | null)[], scaleMin = 2): number =>
  Math.max(scaleMin, ...decimals.map((decimal) => fractionOf(decimal ?? '').length));

/** `1,234.50`: thousands apart, so many digits after the point, or more where there are more. */
export function amountText(decimal: string, scale = 2): string {
  const unsigned = isZero(decimal) ? decimal.replace('-', '') : decimal;
  const whole = (unsigned.split('.')[0] ?? '').replace(/\B(?=(\d{3})+$)/g, ',');
  const fraction = fractionOf(decimal).padEnd(scale, '0');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** The same with its sign; zero has none. */
export const signedText = (decimal: string, scale = 2): string =>
  decimal.startsWith('-') || isZero(decimal) ? amountText(decimal, scale) : `+${amountText(decimal, scale)}`;

export const isZero = (decimal: string): boolean => !/[1-9]/.test(decimal);

export const countText = (count: number): string => amountText(String(count), 0);

const fractionOf = (decimal: string) => (decimal.split('.')[1] ?? '').replace(/0+$/, '');
