import type { Grammar } from './grammar.ts';

const monthsMax = 1200;
const daysMax = 36_525;

/** The length of a period, in the parts that PostgreSQL keeps apart: months and days have no fixed length. */
export interface Interval {
  months: number;
  days: number;
  seconds: number;
}

const intervalUnits: Record<string, Interval> = {
  year: { months: 12, days: 0, seconds: 0 },
  month: { months: 1, days: 0, seconds: 0 },
  mon: { months: 1, days: 0, seconds: 0 },
  week: { months: 0, days: 7, seconds: 0 },
  day: { months: 0, days: 1, seconds: 0 },
  hour: { months: 0, days: 0, seconds: 3600 },
  minute: { months: 0, days: 0, seconds: 60 },
  second: { months: 0, days: 0, seconds: 1 },
};

/** `1 month`, `2 weeks`, `1 month 15 days`; not longer than a century. */
export const interval: Grammar<Interval> = {
  parse(text) {
    const found = readInterval(text);
    return found === null || partsOf(found).some((part) => part < 0) || isEmpty(found) ? null : found;
  },
  describeProblem(text) {
    const found = readInterval(text);
    const suggestion = 'write it like 1 month or 30 days; left out it is a lifetime';
    if (found === null) {
      return { reason: 'is not an interval', suggestion };
    }
    return { reason: isEmpty(found) ? 'has no periods' : 'is negative', suggestion };
  },
};

function readInterval(text: string): Interval | null {
  const pattern = /(-?\d{1,9})\s*(year|month|mon|week|day|hour|minute|second)s?/gi;
  const words = text.trim();
  if (words === '' || words.replace(pattern, '').trim() !== '') {
    return null;
  }
  const sum: Interval = { months: 0, days: 0, seconds: 0 };
  for (const [, count, unit = ''] of words.matchAll(pattern)) {
    const one = intervalUnits[unit.toLowerCase()];
    sum.months += Number(count) * (one?.months ?? 0);
    sum.days += Number(count) * (one?.days ?? 0);
    sum.seconds += Number(count) * (one?.seconds ?? 0);
  }
  const isBounded = Math.abs(sum.months) <= monthsMax && Math.abs(sum.days) <= daysMax;
  return isBounded && Math.abs(sum.seconds) <= daysMax * 86_400 ? sum : null;
}

const partsOf = ({ months, days, seconds }: Interval) => [months, days, seconds];
const isEmpty = (one: Interval) => partsOf(one).every((part) => part === 0);

/** The one spelling of an interval, for files, for the database and for comparing. */
export function intervalText({ months, days, seconds }: Interval): string {
  return [
    months % 12 === 0 ? counted(months / 12, 'year') : counted(months, 'month'),
    counted(days, 'day'),
    ...(seconds % 3600 === 0
      ? [counted(seconds / 3600, 'hour')]
      : seconds % 60 === 0
        ? [counted(seconds / 60, 'minute')]
        : [counted(seconds, 'second')]),
  ]
    .filter((text) => text !== '')
    .join(' ');
}

const counted = (count: number, unit: string) =>
  count === 0 ? '' : `${count} ${unit}${count === 1 ? '' : 's'}`;

/** Roughly, by mean lengths: to compare intervals of different kinds. */
export const intervalSeconds = ({ months, days, seconds }: Interval): number =>
  months * 2_629_746 + days * 86_400 + seconds;
