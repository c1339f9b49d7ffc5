import { minuteText } from '../values/instant.ts';
import { utc } from '../values/utc.ts';

/** Instants, days and months as people read them. All of them UTC, and said to be. */

const minuteMs = 60_000;

/** `in 12 days`, `3 hours ago`, `now`. */
export function relativeText(instant: string, now: Date): string {
  const isNow = Math.abs(Date.parse(instant) - now.getTime()) < minuteMs;
  return isNow ? 'now' : utc(instant).from(now);
}

/** `in 3 days (2026-11-03 00:00Z)`: how far, and when. */
export const nearText = (instant: string, now: Date): string =>
  `${relativeText(instant, now)} (${minuteText(instant)})`;

/** `2026-11-03 00:00Z (in 3 days)`: when, and how far, for the middle of a sentence. */
export const whenText = (instant: string, now: Date): string =>
  `${minuteText(instant)} (${relativeText(instant, now)})`;

/** `2026-10-03 14:05:07 UTC` */
export const secondText = (instant: string): string => utc(instant).format('YYYY-MM-DD HH:mm:ss [UTC]');

/** `October 2026` of `2026-10`. */
export const monthText = (month: string): string => utc(`${month}-01`).format('MMMM YYYY');
