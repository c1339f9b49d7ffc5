import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { type FromNow, maySayFromNow, resolveFromNow } from '../../src/values/from-now.ts';
import fc from '../fast-check.ts';

const now = new Date('2026-03-31T10:20:30.400Z');
const instant: FromNow = { gives: 'instant', bare: 'ago' };
const month: FromNow = { gives: 'month', bare: 'ago' };

describe('instants', () => {
  test.each([
    ['now', '2026-03-31T10:20:30.400Z'],
    ['today', '2026-03-31'],
    ['Yesterday', '2026-03-30'],
    [' tomorrow ', '2026-04-01'],
    ['90s', '2026-03-31T10:19:00.400Z'],
    ['2h', '2026-03-31T08:20:30.400Z'],
    ['2h ago', '2026-03-31T08:20:30.400Z'],
    ['1h30m', '2026-03-31T08:50:30.400Z'],
    ['3 days ago', '2026-03-28T10:20:30.400Z'],
    ['1 week 2 days', '2026-03-22T10:20:30.400Z'],
    ['in 2 weeks', '2026-04-14T10:20:30.400Z'],
    ['+1d', '2026-04-01T10:20:30.400Z'],
    ['1 month', '2026-02-28T10:20:30.400Z'],
    ['1mo', '2026-02-28T10:20:30.400Z'],
    ['1y ago', '2025-03-31T10:20:30.400Z'],
  ])('%s', async (text, expected) => {
    expect(maySayFromNow(text)).toBe(true);
    expect(await resolveFromNow(text, now, instant)).toBe(expected);
  });

  test('a bare length points ahead where what is asked for is to come', async () => {
    const ahead: FromNow = { gives: 'instant', bare: 'ahead' };
    expect(await resolveFromNow('30d', now, ahead)).toBe('2026-04-30T10:20:30.400Z');
    expect(await resolveFromNow('30d ago', now, ahead)).toBe('2026-03-01T10:20:30.400Z');
  });

  test('days are those on which it falls', async () => {
    const day: FromNow = { gives: 'day', bare: 'ago' };
    expect(await resolveFromNow('11h', now, day)).toBe('2026-03-30');
    expect(await resolveFromNow('yesterday', now, day)).toBe('2026-03-30');
  });

  test.each(['2x', 'in 2h ago', 'soon', '2', '2h 3', 'ago', '9999999d', '999999y', 'last-month', '2 hago x'])(
    '%s is left to the grammar',
    async (text) => {
      expect(await resolveFromNow(text, now, instant)).toBe(text);
    },
  );

  test.each(['2026-03-31', '2026-03-31T10:20:30Z', '1759622400', '', '4/1/25'])(
    '%s says nothing from now',
    (text) => {
      expect(maySayFromNow(text)).toBe(false);
    },
  );

  test('lengths are counted as Temporal counts them, wherever the machine is', async () => {
    const units = { d: 'days', w: 'weeks', mo: 'months', y: 'years', h: 'hours', m: 'minutes' } as const;
    await fc.assert(
      fc.asyncProperty(
        fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.integer({ min: 0, max: 900 }),
        fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])),
        fc.boolean(),
        async (at, count, unit, isAhead) => {
          const start = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO('UTC');
          const expected = start.add({ [units[unit]]: isAhead ? count : -count });
          const text = isAhead ? `in ${count}${unit}` : `${count}${unit}`;
          expect(Date.parse(await resolveFromNow(text, at, instant))).toBe(expected.epochMilliseconds);
        },
      ),
    );
  });
});

describe('months', () => {
  test.each([
    ['last-month', '2026-02'],
    ['this month', '2026-03'],
    ['next-month', '2026-04'],
    ['March', '2026-03'],
    ['apr', '2025-04'],
    ['October 2024', '2024-10'],
    ['octo', 'octo'],
    ['2h', '2h'],
  ])('%s', async (text, expected) => {
    expect(await resolveFromNow(text, now, month)).toBe(expected);
  });
});
