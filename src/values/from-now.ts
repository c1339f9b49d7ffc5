import type { Dayjs, ManipulateType } from 'dayjs';

/** How a flag takes times that are said from now: what it wants of them, and where a bare `2d` points. */
export interface FromNow {
  gives: 'instant' | 'day' | 'month';
  bare: 'ago' | 'ahead';
}

/** A grammar of flags that also takes `yesterday`, `2h ago` and the like: `resolveFromNow` turns them into its texts. */
export type TimeParser<Value> = ((text: string) => Value) & { readonly fromNow: FromNow };

/** Whether a text may be a time said from now: it has words or units where others have figures. */
export const maySayFromNow = (text: string): boolean => /^\s*(?:[a-z]|[+-]?\d+ ?[a-z])/i.test(text);

/**
 * `2026-11-01` of `yesterday`, `2026-11-02T10:00:00.000Z` of `2h` (ago), `in 3 days`, `1 week 2 days ago`, `now`; of
 * months `2026-10` of `last-month`, `October`, `oct 2026`. In UTC, counted from `now`. A text that is none of them is
 * returned as it is: its grammar says what is wrong with it.
 */
export async function resolveFromNow(text: string, now: Date, { gives, bare }: FromNow): Promise<string> {
  const { utc } = await import('./utc.ts');
  const said = text.trim().toLowerCase().replace(/\s+/g, ' ');
  if (gives === 'month') {
    return monthFromNow(said, utc(now))?.format('YYYY-MM') ?? text;
  }
  const day = dayFromNow(said, utc(now));
  if (day !== undefined) {
    return day.format('YYYY-MM-DD');
  }
  const instant = said === 'now' ? utc(now) : lengthFromNow(said, utc(now), bare);
  if (instant === undefined || !instant.isValid()) {
    return text;
  }
  return gives === 'day' ? instant.format('YYYY-MM-DD') : instant.toISOString();
}

const days: Readonly<Record<string, number>> = { yesterday: -1, today: 0, tomorrow: 1 };

const dayFromNow = (said: string, now: Dayjs): Dayjs | undefined => {
  const distance = days[said];
  return distance === undefined ? undefined : now.add(distance, 'day');
};

const units: readonly (readonly [pattern: RegExp, unit: ManipulateType])[] = [
  [/^s(ec(ond)?s?)?$/, 'second'],
  [/^m(in(ute)?s?)?$/, 'minute'],
  [/^h(ours?)?$/, 'hour'],
  [/^d(ays?)?$/, 'day'],
  [/^w(eeks?)?$/, 'week'],
  [/^mo(nths?)?$/, 'month'],
  [/^y(ears?)?$/, 'year'],
];

/** `2h`, `1 week 2 days ago`, `in 30d`: a sum of lengths, each in its unit. */
function lengthFromNow(said: string, now: Dayjs, bare: FromNow['bare']): Dayjs | undefined {
  const [, ahead, lengths = '', ago] = /^(in |\+)?((?:\d{1,6} ?[a-z]+ ?)+?)( ?ago)?$/.exec(said) ?? [];
  if (lengths === '' || (ahead !== undefined && ago !== undefined)) {
    return undefined;
  }
  const isAhead = ahead !== undefined || (ago === undefined && bare === 'ahead');
  let moved = now;
  for (const [, count, word = ''] of lengths.matchAll(/(\d+) ?([a-z]+)/g)) {
    const unit = units.find(([pattern]) => pattern.test(word))?.[1];
    if (unit === undefined) {
      return undefined;
    }
    moved = moved.add(Number(count) * (isAhead ? 1 : -1), unit);
  }
  return moved;
}

const months: Readonly<Record<string, number>> = { 'last month': -1, 'this month': 0, 'next month': 1 };

/** A month by its name alone is the latest one of that name that has begun. */
function monthFromNow(said: string, now: Dayjs): Dayjs | undefined {
  const distance = months[said.replace('-', ' ')];
  const first = now.startOf('month');
  if (distance !== undefined) {
    return first.add(distance, 'month');
  }
  const [, name, year] = /^([a-z]{3,9})(?: (\d{4}))?$/.exec(said) ?? [];
  const named = Array.from({ length: 12 }, (_, index) => first.month(index)).find((month) =>
    [month.format('MMM'), month.format('MMMM')].some((text) => text.toLowerCase() === name),
  );
  if (named === undefined || year !== undefined) {
    return named?.year(Number(year));
  }
  return named.isAfter(first) ? named.subtract(1, 'year') : named;
}
