import { describe, expect, it } from 'vitest';
import {
  parseCommaDecimal,
  parseSerialInstant,
  parseSerialOrIso,
  parseSpreadsheetInstant,
} from '../../src/values/spreadsheet.ts';
import fc from '../fast-check.ts';

describe('amounts with a decimal comma', () => {
  it.each([
    ['0,2315', '0.2315'],
    ['1.234,56', '1234.56'],
    ['1 234 567,5', '1234567.5'],
    ["1'234,5", '1234.5'],
    ['1.234', '1234'],
    ['-0,50 €', '-0.50'],
    ['(12,00)', '-12.00'],
    [',5', '0.5'],
    ['12', '12'],
    ['5,2E-06', '0.0000052'],
  ])('are read: %j is %s', (text, decimal) => {
    expect(parseCommaDecimal(text)).toBe(decimal);
  });

  it.each(['', '-', '0.2315', '0.231', '-0.150', '1,234.56', '1.23.456,0', '12,', 'viel', '1,2,3'])(
    'refuses %j',
    (text) => {
      expect(parseCommaDecimal(text)).toBeNull();
    },
  );
});

describe('serial numbers of dates', () => {
  it.each([
    ['46298', '2026-10-03T00:00:00Z'],
    ['46298.675220', '2026-10-03T16:12:19Z'],
    ['46298,67522', '2026-10-03T16:12:19Z'],
    ['46298.6752199074', '2026-10-03T16:12:19Z'],
    ['46298.9999999', '2026-10-04T00:00:00Z'],
    ['25569', '1970-01-01T00:00:00Z'],
  ])('are read: %s is %s', (text, instant) => {
    expect(parseSerialInstant(text)).toBe(instant);
  });

  it.each(['', '1', '25568', '999999', '46298.', '46298.5.5', '1790985600'])('refuses %j', (text) => {
    expect(parseSerialInstant(text)).toBeNull();
  });

  it('are the day of any instant, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 86_400, max: 4_000_000_000 }), (seconds) => {
        const serial = seconds / 86_400 + 25_569;
        expect(parseSerialInstant(serial.toFixed(6))).toBe(
          new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'),
        );
      }),
    );
  });

  it('stand beside dates that were left as text', () => {
    expect(parseSerialOrIso('2026-10-03 16:12:19')).toBe('2026-10-03T16:12:19Z');
  });
});

describe('dates of a spreadsheet', () => {
  it('may name their offset', () => {
    expect(parseSpreadsheetInstant('10/3/2026, 4:12:19 PM GMT+1', 'mdy')).toBe('2026-10-03T15:12:19Z');
    expect(parseSpreadsheetInstant('3.10.2026 16:12:19 PST', 'dmy')).toBeNull();
  });
});
