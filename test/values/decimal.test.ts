import { describe, expect, it } from 'vitest';
import { describeDecimalProblem, parseDecimal, parseWhole } from '../../src/values/decimal.ts';
import { multiplyDecimal, shiftDecimal } from '../../src/values/decimal-math.ts';
import { parseSpreadsheetDecimal } from '../../src/values/spreadsheet.ts';
import fc from '../fast-check.ts';

describe('parseDecimal', () => {
  it.each([
    ['0.8958740000000000', '0.8958740000000000'],
    ['0.1', '0.1'],
    ['-0.50', '-0.50'],
    ['12', '12'],
    ['+3.5', '3.5'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['007.10', '7.10'],
    ['0', '0'],
    ['00', '0'],
    ['35.2E-7', '0.00000352'],
    ['1e-7', '0.0000001'],
    ['1.25e3', '1250'],
    ['1.2345e2', '123.45'],
    ['0E-6176', '0'],
    ['-0.000e+99999', '0'],
    ['2.5E-36', '0.0000000000000000000000000000000000025'],
    ['9007199254740993.000000000000000001', '9007199254740993.000000000000000001'],
  ])('reads %s as %s', (text, decimal) => {
    expect(parseDecimal(text)).toBe(decimal);
  });

  it.each([
    '',
    '-',
    '.',
    '5.',
    '1,000',
    '$5',
    '5 ',
    ' 5',
    '1.2.3',
    '1e',
    '1e999',
    'e5',
    '٣',
    'NaN',
    '0x10',
    '1_000',
    '1'.repeat(61),
  ])('refuses %j', (text) => {
    expect(parseDecimal(text)).toBeNull();
  });

  it('keeps every digit of a plain decimal', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 20n), fc.stringMatching(/^\d{1,20}$/), (whole, fraction) => {
        expect(parseDecimal(`${whole}.${fraction}`)).toBe(`${whole}.${fraction}`);
      }),
    );
  });

  it('expands exponents to the same number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -999_999, max: 999_999 }),
        fc.integer({ min: -12, max: 12 }),
        (mantissa, exponent) => {
          expect(Number(parseDecimal(`${mantissa}e${exponent}`))).toBe(
            Number(`${mantissa}e${exponent}`) || 0,
          );
        },
      ),
    );
  });
});

describe('exact arithmetic', () => {
  it('shifts cents to dollars without losing a digit', () => {
    expect(shiftDecimal('123.45', -2)).toBe('1.2345');
    expect(shiftDecimal('5', -2)).toBe('0.05');
    expect(shiftDecimal('-7.5', -2)).toBe('-0.075');
    expect(shiftDecimal('1.2345', 2)).toBe('123.45');
    expect(shiftDecimal('1.2', 3)).toBe('1200');
  });

  it('shifting there and back gives the same number', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^-?[1-9]\d{0,8}\.\d{1,8}$/),
        fc.integer({ min: 0, max: 6 }),
        (decimal, places) => {
          const back = shiftDecimal(shiftDecimal(decimal, -places), places);
          const bare = (text: string) => text.replace(/\.?0*$/, '');
          expect(bare(back.includes('.') ? back : `${back}.`)).toBe(bare(decimal));
        },
      ),
    );
  });

  it('multiplies minutes to seconds', () => {
    expect(multiplyDecimal('4.45', 60)).toBe('267.00');
    expect(multiplyDecimal('0.1', 60)).toBe('6.0');
    expect(multiplyDecimal('2', 60)).toBe('120');
    expect(multiplyDecimal('-0.05', 60)).toBe('-3.00');
  });

  it('reads whole numbers that are printed as floats', () => {
    expect(parseWhole('10.0')).toBe('10');
    expect(parseWhole('10')).toBe('10');
    expect(parseWhole('10.5')).toBeNull();
  });
});

describe('spreadsheet amounts', () => {
  it.each([
    ['$50,000.00 ', '50000.00'],
    ['$100.00 ', '100.00'],
    ['-$1.50', '-1.50'],
    ['($1,234.50)', '-1234.50'],
    ['€ 0.05', '0.05'],
    ['1,234', '1234'],
    [' 12.5', '12.5'],
  ])('reads %j as %s', (text, decimal) => {
    expect(parseSpreadsheetDecimal(text)).toBe(decimal);
  });

  it.each(['1.234,56', '12,34', '0,150', '-0,231', '1,2345.00', '$', 'USD 5', '5%'])('refuses %j', (text) => {
    expect(parseSpreadsheetDecimal(text)).toBeNull();
  });

  it('names what is wrong with an amount', () => {
    expect(describeDecimalProblem('$5.00').reason).toBe('has a currency sign');
    expect(describeDecimalProblem('1,000.00').reason).toBe('has thousands separators');
    expect(describeDecimalProblem('0,05').reason).toBe('has a decimal comma');
    expect(describeDecimalProblem('0,150').reason).toBe('has a decimal comma');
    expect(describeDecimalProblem('5%').reason).toBe('is a percentage');
    expect(describeDecimalProblem('five').reason).toBe('is not a number');
  });
});
