import { describe, expect, it } from 'vitest';
import {
  describeInstantProblem,
  parseDay,
  parseInstant,
  parseUnixSeconds,
} from '../../src/values/instant.ts';
import { addSeconds, epochMicros, secondsBetween } from '../../src/values/instant-math.ts';
import { parseSpreadsheetInstant } from '../../src/values/spreadsheet.ts';
import fc from '../fast-check.ts';

const anyInstant = fc.date({
  min: new Date('1970-01-02T00:00:00Z'),
  max: new Date('2200-12-30T00:00:00Z'),
  noInvalidDate: true,
});

describe('parseInstant', () => {
  it.each([
    ['2026-10-03T13:12:46.005Z', '2026-10-03T13:12:46.005Z'],
    ['2026-10-03T13:12:46Z', '2026-10-03T13:12:46Z'],
    ['2026-10-03T13:12Z', '2026-10-03T13:12:00Z'],
    ['2026-10-03 13:12:46.005123+00', '2026-10-03T13:12:46.005123Z'],
    ['2026-10-03T13:12:46.123456789Z', '2026-10-03T13:12:46.123456Z'],
    ['2026-10-03T00:30:00+02:00', '2026-10-02T22:30:00Z'],
    ['2026-12-31T23:30:00.5-0100', '2027-01-01T00:30:00.5Z'],
    ['2025-10-05T00:00:00+00:00', '2025-10-05T00:00:00Z'],
    ['2026-10-03 13:12:46 UTC', '2026-10-03T13:12:46Z'],
    ['2026-10-03 13:12:46 GMT', '2026-10-03T13:12:46Z'],
    ['2026-10-03 13:12:46 GMT+0', '2026-10-03T13:12:46Z'],
    ['2026-10-31 22:12:46 GMT-5', '2026-11-01T03:12:46Z'],
    ['2026-10-03 02:12:46 GMT+5:30', '2026-10-02T20:42:46Z'],
    ['2026-10-03 02:12:46 GMT+0545', '2026-10-02T20:27:46Z'],
    ['2026-10-03 02:12:46 UTC\u221203:30', '2026-10-03T05:42:46Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
  ])('reads %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  it.each([
    '',
    '2026-10-03',
    '2026-10-03T13:12:46',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-10-32T00:00:00Z',
    '2026-10-03T24:00:00Z',
    '2026-10-03T13:60:00Z',
    '2026-10-03T13:12:60Z',
    '2026-10-03T13:12:46.00xZ',
    '1969-12-31T23:59:59Z',
    '2201-01-01T00:00:00Z',
    '0026-10-03T13:12:46Z',
    '2026-10-03T13:12:46+15:00',
    '2026-10-03 13:12:46 GMT+15',
    '2026-10-03 13:12:46 GMT+5:3',
    '2026-10-03 13:12:46 EST',
    '4/1/25',
    '1759622400',
    'yesterday',
  ])('refuses %j', (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it('reads an instant without zone, and a bare date, as UTC only when told so', () => {
    expect(parseInstant('2026-10-03T13:12:46', { assumeUtc: true })).toBe('2026-10-03T13:12:46Z');
    expect(parseInstant('2026-10-03', { assumeUtc: true })).toBe('2026-10-03T00:00:00Z');
  });

  it('reads what Date prints, and counts the same microseconds', () => {
    fc.assert(
      fc.property(anyInstant, (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.toISOString());
        expect(epochMicros(date.toISOString())).toBe(date.getTime() * 1000);
      }),
    );
  });

  it('shifts any offset to the instant that Date sees', () => {
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 });
    fc.assert(
      fc.property(anyInstant, offset, (date, minutes) => {
        const sign = minutes < 0 ? '-' : '+';
        const size = Math.abs(minutes);
        const zone = `${sign}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
        const local = date.toISOString().replace('Z', zone);
        expect(parseInstant(local)).toBe(new Date(local).toISOString());
      }),
    );
  });
});

describe('spreadsheet dates', () => {
  it.each([
    ['4/1/25', 'mdy', '2025-04-01T00:00:00Z'],
    ['4/1/25', 'dmy', '2025-01-04T00:00:00Z'],
    ['25/4/1', 'ymd', '2025-04-01T00:00:00Z'],
    ['01.04.2025', 'dmy', '2025-04-01T00:00:00Z'],
    ['4/1/2025 2:05 PM', 'mdy', '2025-04-01T14:05:00Z'],
    ['4/1/2025 12:05:09 am', 'mdy', '2025-04-01T00:05:09Z'],
    [' 12/31/2025 23:59 ', 'mdy', '2025-12-31T23:59:00Z'],
    ['2025-04-01T10:00:00Z', 'dmy', '2025-04-01T10:00:00Z'],
    ['2025-04-01', 'dmy', '2025-04-01T00:00:00Z'],
  ] as const)('reads %j in order %s', (text, order, instant) => {
    expect(parseSpreadsheetInstant(text, order)).toBe(instant);
  });

  it.each([
    ['13/4/25', 'mdy'],
    ['4/31/25', 'mdy'],
    ['4/1/025', 'mdy'],
    ['4/1/25 13:00 PM', 'mdy'],
    ['4/1/25 25:00', 'mdy'],
    ['2025/4/1', 'mdy'],
  ] as const)('refuses %j in order %s', (text, order) => {
    expect(parseSpreadsheetInstant(text, order)).toBeNull();
  });
});

describe('durations and Unix time', () => {
  it('subtracts exactly', () => {
    expect(secondsBetween('2026-10-03T13:12:46.005Z', '2026-10-03T13:15:38.255Z')).toBe('172.250');
    expect(secondsBetween('2026-10-31T23:59:59Z', '2026-11-01T00:00:00.1Z')).toBe('1.100');
    expect(secondsBetween('2026-10-03T00:00:00.000001Z', '2026-10-03T00:00:01Z')).toBe('0.999999');
    expect(secondsBetween('2026-10-03T00:00:01Z', '2026-10-03T00:00:00.5Z')).toBe('-0.500');
  });

  it('adds exactly, also over the end of a year', () => {
    expect(addSeconds('2026-12-31T23:59:59.9Z', '0.2')).toBe('2027-01-01T00:00:00.1Z');
    expect(addSeconds('2026-10-03T00:00:00Z', '61')).toBe('2026-10-03T00:01:01Z');
  });

  it('adding what was subtracted gives the end back', () => {
    fc.assert(
      fc.property(anyInstant, fc.integer({ min: 0, max: 1e9 }), (date, millis) => {
        const start = date.toISOString();
        const end = new Date(date.getTime() + millis).toISOString();
        if (parseInstant(end) === null) {
          return;
        }
        const sum = addSeconds(start, secondsBetween(start, end)) ?? '';
        expect(epochMicros(sum)).toBe(epochMicros(end));
      }),
    );
  });

  it('reads Unix seconds, and refuses milliseconds', () => {
    expect(parseUnixSeconds('1759622400')).toBe('2025-10-05T00:00:00Z');
    expect(parseUnixSeconds('1759622400.250')).toBe('2025-10-05T00:00:00.25Z');
    expect(parseUnixSeconds('1759622400.0')).toBe('2025-10-05T00:00:00Z');
    expect(parseUnixSeconds('1759622400000')).toBeNull();
    expect(parseUnixSeconds('-5')).toBeNull();
  });

  it('reads days', () => {
    expect(parseDay('2026-02-28')).toBe('2026-02-28');
    expect(parseDay('2026-02-29')).toBeNull();
    expect(parseDay('2026-2-1')).toBeNull();
  });
});

describe('describeInstantProblem', () => {
  it.each([
    ['4/1/25', 'ambiguous date', '--date-order'],
    ['2026-10-03T13:12:46', 'no time zone', '--assume-utc'],
    ['1759622400', 'Unix seconds', 'ISO 8601'],
    ['1759622400000', 'milliseconds', 'ISO 8601'],
    ['2026-02-30T00:00:00Z', 'not a date between', 'ISO 8601'],
    ['2026-02-30', 'not a date between', 'ISO 8601'],
    ['2026-13-01', 'not a date between', 'ISO 8601'],
    ['soon', 'is not an instant', 'ISO 8601'],
  ])('explains %j', (text, reason, suggestion) => {
    expect(describeInstantProblem(text).reason).toContain(reason);
    const { suggestion: usual, inFiles = usual } = describeInstantProblem(text);
    expect(inFiles).toContain(suggestion);
    expect(usual).not.toContain('--');
  });
});
