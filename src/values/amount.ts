import { plainDecimal, roundDecimal } from './decimal-math.ts';

/**
 * More digits after the point than this are for machines: a bill of sums has 36. A person reads so many of them, with
 * a sign in front that says so.
 */
export const scaleMax = 6;

/** Stands before whatever was rounded for reading. */
export const roundedSign = '≈';

/** How many digits after the point a column needs so that every amount in it is whole; cents at least. */
export const scaleOf = (decimals: readonly (string | null)[], scaleMin = 2): number =>
  Math.min(scaleMax, Math.max(scaleMin, ...decimals.map((decimal) => fractionOf(decimal ?? '').length)));

/** Whether an amount has more digits than a person is shown. */
export const isRounded = (decimal: string): boolean => fractionOf(decimal).length > scaleMax;

/** `1234.50`: so many digits after the point, or more where there are more, up to six; `≈1234.567891` beyond. */
function plainAmount(decimal: string, scale = 2): string {
  const { sign, whole, fraction, rounded } = partsOf(decimal, scale);
  return `${rounded}${sign}${whole}${fraction}`;
}

/** The same with thousands apart: `1,234.50`. */
export function amountText(decimal: string, scale = 2): string {
  const { sign, whole, fraction, rounded } = partsOf(decimal, scale);
  return `${rounded}${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction}`;
}

/** The same with its sign; zero has none. */
export function signedText(decimal: string, scale = 2): string {
  const text = amountText(decimal, scale);
  return decimal.startsWith('-') || isZero(decimal) ? text : text.replace(/^≈?/, '$&+');
}

/** A column of amounts with their points under one another, as plain text. What is no amount stays empty. */
export const amountColumn = (decimals: readonly string[], scaleMin = 2): string[] =>
  amountColumns([decimals], scaleMin)[0] ?? [];

/** Several columns of one table, all with the same number of digits. */
export function amountColumns(columns: readonly (readonly string[])[], scaleMin = 2): string[][] {
  const scale = scaleOf(columns.flat(), scaleMin);
  return columns.map((column) =>
    column.map((decimal) => (decimal === '' ? '' : plainAmount(decimal, scale))),
  );
}

export const isZero = (decimal: string): boolean => !/[1-9]/.test(decimal);

export const countText = (count: number): string => amountText(String(count), 0);

function partsOf(decimal: string, scale: number) {
  const shown = roundDecimal(plainDecimal(decimal), scaleMax);
  const unsigned = shown.replace('-', '');
  const isCut = isRounded(decimal);
  const digits = fractionOf(unsigned).padEnd(isCut ? scaleMax : scale, '0');
  return {
    rounded: isCut ? roundedSign : '',
    sign: shown.startsWith('-') ? '-' : '',
    whole: unsigned.split('.')[0] ?? '',
    fraction: digits === '' ? '' : `.${digits}`,
  };
}

const fractionOf = (decimal: string) => (decimal.split('.')[1] ?? '').replace(/0+$/, '');
