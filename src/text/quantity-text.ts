/** Writes exact decimals of one unit as people read them. */
export interface QuantityFormat {
  /** `minutes`, `hours` or `messages`. */
  unit: string;
  text(quantity: string): string;
}

const hour = 3600;

/**
 * The format that suits a quantity, for it and for what is held against it: messages, tokens and the like as they
 * are, seconds as `9:35.5` minutes, beyond an hour as `1:02:05` hours, bytes to a hundredth of the largest size that fits.
 */
export function quantityFormat(unit: string, reference: string): QuantityFormat {
  if (unit === 'byte') {
    return bytesFormat(reference);
  }
  if (unit !== 'second') {
    return { unit: Number(reference) === 1 ? unit : `${unit}s`, text: withoutZeros };
  }
  return Number(reference) < hour
    ? { unit: 'minutes', text: minutesText }
    : { unit: 'hours', text: hoursText };
}

const withoutZeros = (quantity: string) =>
  quantity.includes('.') ? quantity.replace(/\.?0+$/, '') : quantity;

function minutesText(quantity: string): string {
  const { sign, seconds, fraction } = split(quantity);
  return `${sign}${seconds / 60n}:${twoDigits(seconds % 60n)}${fraction}`;
}

function hoursText(quantity: string): string {
  const { sign, seconds, fraction } = split(quantity);
  return `${sign}${seconds / 3600n}:${twoDigits((seconds / 60n) % 60n)}:${twoDigits(seconds % 60n)}${fraction}`;
}

function split(quantity: string) {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(withoutZeros(quantity)) ?? [];
  return { sign, seconds: BigInt(whole), fraction };
}

const twoDigits = (number: bigint) => String(number).padStart(2, '0');

const sizes = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const;

function bytesFormat(reference: string): QuantityFormat {
  const power = Math.min(sizes.length - 1, Math.floor(Math.log2(Math.max(1, Number(reference))) / 10));
  const hundredths = (quantity: string) => Math.round((Number(quantity) / 1024 ** power) * 100) / 100;
  return { unit: sizes[power] ?? 'bytes', text: (quantity) => String(hundredths(quantity)) };
}
