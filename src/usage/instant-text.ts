const minuteMs = 60_000;
/** From which length on a span is told in which unit: "in 36 hours", "in 2 days". */
const units = [
  { name: 'day', ms: 1440 * minuteMs, from: 2 },
  { name: 'hour', ms: 60 * minuteMs, from: 2 },
  { name: 'minute', ms: minuteMs, from: 1 },
] as const;

/** `in 12 days`, `3 hours ago`, `now`. Whole units, rounded down: nobody is promised a reset too early. */
export function relativeText(instant: string, now: Date): string {
  const distanceMs = Date.parse(instant) - now.getTime();
  for (const { name, ms, from } of units) {
    const count = Math.floor(Math.abs(distanceMs) / ms);
    if (count >= from) {
      const span = `${count} ${name}${count === 1 ? '' : 's'}`;
      return distanceMs > 0 ? `in ${span}` : `${span} ago`;
    }
  }
  return 'now';
}

/** `2026-10-31 04:00Z`, for the cell of a table. */
export const minuteText = (instant: string): string => instant.replace('T', ' ').replace(/:\d\d\.\d+Z$/, 'Z');
