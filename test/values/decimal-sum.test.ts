import { expect, test } from 'vitest';
import { DecimalSum, sumOf } from '../../src/values/decimal-sum.ts';
import fc from '../fast-check.ts';

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.integer({ min: 0, max: 20 }), fc.boolean())
  .map(([units, scale, isShort]) => {
    const digits = String(units < 0n ? -units : units)
      .slice(0, isShort ? 6 : 25)
      .padStart(scale + 1, '0');
    const point = digits.length - scale;
    return `${units < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`;
  });

/** In units of the 20th digit after the point. */
function unitsOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const units = BigInt(whole + fraction.padEnd(20, '0'));
  return text.startsWith('-') ? -units : units;
}

test('sums are exact, whatever the length, sign and scale of what is added', () => {
  fc.assert(
    fc.property(fc.array(decimal, { maxLength: 40 }), (decimals) => {
      expect(unitsOf(sumOf(decimals))).toBe(decimals.reduce((sum, text) => sum + unitsOf(text), 0n));
    }),
  );
});

test('what is too large for a float is carried, and every digit after the point is kept', () => {
  const sum = new DecimalSum();
  for (let times = 0; times < 100; times++) {
    sum.add('99999999999.99');
    sum.add('0.010');
  }
  sum.add('123456789012345678901.5');
  expect(sum.toString()).toBe('123456799012345678901.500');
  expect(sumOf(['-0.5', '0.50'])).toBe('0.00');
});
