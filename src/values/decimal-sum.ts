/** As many digits as a float holds exactly, with room for adding a billion of them up. */
const exactDigitsMax = 15;
const exactMax = 2 ** 52;
const [dot, minus, zero] = ['.', '-', '0'].map((sign) => sign.charCodeAt(0)) as [number, number, number];

/**
 * The exact sum of decimals, as `parseDecimal` gives them. Keeps as many digits after the point as the longest of
 * them, as a bill does. Fast for ordinary amounts: those of equal scale are added as whole numbers.
 */
export class DecimalSum {
  /** By number of digits after the point: what was added since the last carry, and what was carried. */
  readonly #small: number[] = [];
  readonly #large: bigint[] = [];

  add(decimal: string): void {
    // A digit at a time: without pieces of text to be collected, it takes half as long.
    if (decimal.length > exactDigitsMax) {
      this.#addLong(decimal);
      return;
    }
    const from = decimal.charCodeAt(0) === minus ? 1 : 0;
    let digits = 0;
    let point = -1;
    for (let at = from; at < decimal.length; at++) {
      const code = decimal.charCodeAt(at);
      if (code === dot) {
        point = at;
      } else {
        digits = digits * 10 + (code - zero);
      }
    }
    const scale = point === -1 ? 0 : decimal.length - point - 1;
    const sum = (this.#small[scale] ?? 0) + (from === 1 ? -digits : digits);
    if (sum < exactMax && sum > -exactMax) {
      this.#small[scale] = sum;
    } else {
      this.#large[scale] = (this.#large[scale] ?? 0n) + BigInt(sum);
      this.#small[scale] = 0;
    }
  }

  #addLong(decimal: string): void {
    const point = decimal.indexOf('.');
    const scale = point === -1 ? 0 : decimal.length - point - 1;
    const digits = point === -1 ? decimal : decimal.slice(0, point) + decimal.slice(point + 1);
    this.#large[scale] = (this.#large[scale] ?? 0n) + BigInt(digits);
    this.#small[scale] ??= 0;
  }

  toString(): string {
    const scaleMax = Math.max(0, this.#small.length - 1);
    let total = 0n;
    this.#small.forEach((small, scale) => {
      total += (BigInt(small) + (this.#large[scale] ?? 0n)) * 10n ** BigInt(scaleMax - scale);
    });
    const digits = String(total < 0n ? -total : total).padStart(scaleMax + 1, '0');
    const sign = total < 0n ? '-' : '';
    return scaleMax === 0 ? sign + digits : `${sign}${digits.slice(0, -scaleMax)}.${digits.slice(-scaleMax)}`;
  }
}

/** The exact sum of decimals. */
export function sumOf(decimals: Iterable<string>): string {
  const sum = new DecimalSum();
  for (const decimal of decimals) {
    sum.add(decimal);
  }
  return sum.toString();
}
