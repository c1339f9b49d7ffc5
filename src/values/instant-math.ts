import { parseUnixSeconds, twoDigits } from './instant.ts';

const microsPerSecond = 1_000_000;

/** Microseconds since 1970 of an instant as `parseInstant` returns it. Exact: below 2^53 until 2255. */
export function epochMicros(instant: string): number {
  const year = twoDigits(instant, 0) * 100 + twoDigits(instant, 2);
  const seconds =
    daysSinceEpoch(year, twoDigits(instant, 5), twoDigits(instant, 8)) * 86_400 +
    twoDigits(instant, 11) * 3600 +
    twoDigits(instant, 14) * 60 +
    twoDigits(instant, 17);
  let fraction = 0;
  let unit = microsPerSecond / 10;
  for (let i = 20; i < instant.length - 1; i++) {
    fraction += (instant.charCodeAt(i) - 48) * unit;
    unit /= 10;
  }
  return seconds * microsPerSecond + fraction;
}

/** Days of the proleptic Gregorian calendar, counted in years that begin in March so that leap days come last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const m = month <= 2 ? month + 9 : month - 3;
  return (
    365 * y +
    Math.floor(y / 4) -
    Math.floor(y / 100) +
    Math.floor(y / 400) +
    Math.floor((153 * m + 2) / 5) +
    day -
    719469
  );
}

/** The instant `seconds` (an exact decimal, not negative) after `instant`, or null outside 1970–2200. */
export function addSeconds(instant: string, seconds: string): string | null {
  const [whole = '0', fraction = ''] = seconds.split('.');
  const micros =
    epochMicros(instant) + Number(whole) * microsPerSecond + Number(fraction.slice(0, 6).padEnd(6, '0'));
  const wholeSeconds = Math.floor(micros / microsPerSecond);
  const rest = String(micros - wholeSeconds * microsPerSecond).padStart(6, '0');
  return parseUnixSeconds(`${wholeSeconds}.${rest}`);
}

/**
 * Seconds from `start` to `end` as an exact decimal with milliseconds (`172.250`), or with microseconds where
 * the instants have them. Negative if `end` is earlier.
 */
export function secondsBetween(start: string, end: string): string {
  const micros = epochMicros(end) - epochMicros(start);
  const size = Math.abs(micros);
  const whole = Math.floor(size / microsPerSecond);
  const rest = String(size - whole * microsPerSecond).padStart(6, '0');
  const fraction = rest.endsWith('000') ? rest.slice(0, 3) : rest;
  return `${micros < 0 ? '-' : ''}${whole}.${fraction}`;
}
