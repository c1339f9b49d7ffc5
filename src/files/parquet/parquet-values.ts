import type { FileMetaData, ParquetParsers, SchemaElement } from 'hyparquet';

/** Of columns that hold decimals: how many digits stand after the point. */
export type Scales = ReadonlyMap<string, number>;

/**
 * Lets decimals come as the whole numbers that they are stored as, since the library would make floats of them, and
 * tells their scales by column. Changes the metadata.
 */
export function takeScales({ schema }: FileMetaData): Scales {
  const scales = new Map<string, number>();
  for (const element of schema) {
    const scale = scaleOf(element);
    if (scale !== null) {
      scales.set(element.name, scale);
      delete element.converted_type;
      delete element.logical_type;
    }
  }
  return scales;
}

function scaleOf({ converted_type: converted, logical_type: logical, scale }: SchemaElement): number | null {
  if (logical?.type === 'DECIMAL') {
    return logical.scale;
  }
  return converted === 'DECIMAL' ? (scale ?? 0) : null;
}

const dayMilliseconds = 86_400_000;

function instantOf(milliseconds: bigint, fraction: string): string {
  const second = new Date(Number(milliseconds)).toISOString().slice(0, 19);
  const digits = fraction.replace(/0+$/, '');
  return `${second}${digits === '' ? '' : `.${digits}`}Z`;
}

/** The part of a number of so many units a second that is below a second, as digits. */
function fractionOf(units: bigint, perSecond: bigint): string {
  const rest = ((units % perSecond) + perSecond) % perSecond;
  return String(rest).padStart(String(perSecond).length - 1, '0');
}

/** Instants as ISO 8601 UTC with the digits that the file has. */
export const textParsers: Pick<
  ParquetParsers,
  | 'timestampFromMilliseconds'
  | 'timestampFromMicroseconds'
  | 'timestampFromNanoseconds'
  | 'dateFromDays'
  | 'jsonFromBytes'
> = {
  timestampFromMilliseconds: (value: bigint) => instantOf(value, fractionOf(value, 1000n)),
  timestampFromMicroseconds: (value: bigint) => instantOf(floor(value, 1000n), fractionOf(value, 1_000_000n)),
  timestampFromNanoseconds: (value: bigint) =>
    instantOf(floor(value, 1_000_000n), fractionOf(value, 1_000_000_000n)),
  dateFromDays: (days: number) => new Date(days * dayMilliseconds).toISOString().slice(0, 10),
  jsonFromBytes: (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8'),
};

const floor = (value: bigint, by: bigint): bigint => (value - (((value % by) + by) % by)) / by;

/** A value as a cell of a CSV has it; `''` for none. */
export function cellOf(value: unknown, scale: number | undefined): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (scale !== undefined) {
    return decimalOf(value, scale);
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('utf8');
  }
  if (typeof value === 'object') {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  }
  return String(value);
}

/**
 * Whole numbers, or their bytes, the highest first, in two's complement. Every value of a column has the digits of its
 * scale: zeros at the end say nothing.
 */
function decimalOf(value: unknown, scale: number): string {
  const units =
    value instanceof Uint8Array
      ? BigInt.asIntN(value.length * 8, BigInt(`0x${Buffer.from(value).toString('hex') || '0'}`))
      : BigInt(value as number | bigint);
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? '' : digits.slice(-scale).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
