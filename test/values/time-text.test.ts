import { describe, expect, test } from 'vitest';
import { monthText, relativeText, secondText } from '../../src/text/time-text.ts';
import { minuteText } from '../../src/values/instant.ts';

const now = new Date('2026-10-15T12:00:00Z');

describe('how far a time is', () => {
  test.each([
    ['2026-10-15T12:00:59.999Z', 'now'],
    ['2026-10-15T11:59:00.001Z', 'now'],
    ['2026-10-15T12:01:00Z', 'in 1 minute'],
    ['2026-10-15T11:58:59Z', '1 minute ago'],
    ['2026-10-15T13:59:59Z', 'in 119 minutes'],
    ['2026-10-15T14:00:00Z', 'in 2 hours'],
    ['2026-10-15T08:30:00Z', '3 hours ago'],
    ['2026-10-17T11:59:59Z', 'in 47 hours'],
    ['2026-10-17T12:00:00Z', 'in 2 days'],
    ['2026-10-03T00:00:00Z', '12 days ago'],
    ['2027-12-15T12:00:00Z', 'in 426 days'],
  ])('%s is %s', (instant, expected) => {
    expect(relativeText(instant, now)).toBe(expected);
  });
});

test('instants and months are printed in UTC', () => {
  expect(minuteText('2026-10-31T04:00:59.999Z')).toBe('2026-10-31 04:00Z');
  expect(minuteText('2026-10-31T04:00:00Z')).toBe('2026-10-31 04:00Z');
  expect(secondText('2026-10-03T14:05:07.120Z')).toBe('2026-10-03 14:05:07 UTC');
  expect(monthText('2026-10')).toBe('October 2026');
});
