/** As many digits as a float holds exactly, with room for adding a billion of them up. */
const exactDigitsMax = 15;
const exactMax = 2 ** 52;

/**
 * The exact sum of decimals, as `parseDecimal` gives them. Keeps as many digits after the point as the longest of
 * them, as a bill does. Fast for ordinary amounts: those of equal scale are added as whole numbers.
 */
export class DecimalSum {
  /** By number of digits after the point: what was added since the last carry, and what was carried. */
  readonly #small: number[] = [];
  readonly #large: bigint[] = [];

  add(decimal: string): void {
    const point = decimal.indexOf('.');
    const scale = point === -1 ? 0 : decimal.length - point - 1;
    const digits = point === -1 ? decimal : decimal.slice(0, point) + decimal.slice(point + 1);
    if (digits.length > exactDigitsMax) {
      this.#large[scale] = (this.#large[scale] ?? 0n) + BigInt(digits);
      this.#small[scale] ??= 0;
      return;
    }
    const sum = (this.#small[scale] ?? 0) + Number(digits);
    if (sum < exactMax && sum > -exactMax) {
      this.#small[scale] = sum;
    } else {
      this.#large[scale] = (this.#large[scale] ?? 0n) + BigInt(sum);
      this.#small[scale] = 0;
    }
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
