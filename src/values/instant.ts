/**
 * Instants as text: strict ISO 8601 in, ISO 8601 UTC out, the fraction kept as the file has it. Character
 * codes instead of Date or a regular expression: two instants a line are the largest cost of a fast reader.
 */

/** In which order a spreadsheet writes dates; `serial`: as the number of days since 1900. */
export type DateOrder = 'mdy' | 'dmy' | 'ymd' | 'serial';

/** Outside these years a date is a mistake (milliseconds read as seconds, a lost century), not a bill. */
const yearMin = 1970;
const yearMax = 2200;
/** PostgreSQL keeps microseconds; finer digits are cut, not rounded, so that no instant moves past its second. */
const fractionDigitsMax = 6;

const microsPerSecond = 1_000_000;
const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function isDate(year: number, month: number, day: number): boolean {
  if (!(year >= yearMin && year <= yearMax && month >= 1 && month <= 12 && day >= 1)) {
    return false;
  }
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) {
    return day <= 29;
  }
  return day <= (daysInMonth[month - 1] ?? 0);
}

/** The date at the start of the text is real and inside the accepted years: `2026-10-03…`. */
function startsWithDate(text: string): boolean {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) {
    return false;
  }
  const century = twoDigits(text, 0);
  const year = twoDigits(text, 2);
  if (century < 0 || year < 0) {
    return false;
  }
  return isDate(century * 100 + year, twoDigits(text, 5), twoDigits(text, 8));
}

function hasTime(text: string, at: number): boolean {
  const hour = twoDigits(text, at);
  const minute = twoDigits(text, at + 3);
  const second = twoDigits(text, at + 6);
  return (
    text.charCodeAt(at + 2) === 58 &&
    text.charCodeAt(at + 5) === 58 &&
    hour >= 0 &&
    hour <= 23 &&
    minute >= 0 &&
    minute <= 59 &&
    second >= 0 &&
    second <= 59
  );
}

export interface InstantOptions {
  /** Read an instant without a zone, or a bare date (its midnight), as UTC. Without it they are refused. */
  assumeUtc?: boolean;
}

/**
 * Reads `2026-10-03T13:12:46.005Z`, `2026-10-03 13:12:46.005+02:00`, `… UTC`, `… GMT+5:30`; returns the same instant
 * as ISO 8601 in UTC (`2026-10-03T13:12:46.005Z`), or null if it is not one, has no zone, or lies outside 1970–2200.
 */
export function parseInstant(text: string, options: InstantOptions = {}): string | null {
  if (!startsWithDate(text)) {
    return null;
  }
  const length = text.length;
  // The form every JSON API sends needs no rewriting.
  if (
    length === 24 &&
    text.charCodeAt(10) === 84 &&
    text.charCodeAt(23) === 90 &&
    text.charCodeAt(19) === 46
  ) {
    return hasTime(text, 11) && twoDigits(text, 20) >= 0 && twoDigits(text, 21) >= 0 ? text : null;
  }
  return parseOtherInstant(text, options);
}

const otherInstant =
  /^(?<date>\d{4}-\d\d-\d\d)(?:[Tt ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d{1,9}))?)? ?(?<zone>[Zz]|[+-]\d\d(?::?\d\d)?|(?:UTC|GMT)(?:[+\-\u2212]\d{1,2}(?::?\d\d)?)?)?)?$/;

function parseOtherInstant(text: string, options: InstantOptions): string | null {
  const groups = otherInstant.exec(text)?.groups;
  if (groups === undefined) {
    return null;
  }
  const { date, hour = '00', minute = '00', second = '00', fraction = '', zone } = groups;
  if (zone === undefined && !options.assumeUtc) {
    return null;
  }
  const time = `${hour}:${minute}:${second}`;
  if (!hasTime(time, 0)) {
    return null;
  }
  const offsetMinutes = zoneOffsetMinutes(zone);
  if (offsetMinutes === null) {
    return null;
  }
  const kept = fraction.slice(0, fractionDigitsMax);
  const tail = kept === '' ? 'Z' : `.${kept}Z`;
  if (offsetMinutes === 0) {
    return `${date}T${time}${tail}`;
  }
  const shifted = new Date(Date.parse(`${date}T${time}Z`) - offsetMinutes * 60_000)
    .toISOString()
    .slice(0, 19);
  return startsWithDate(shifted) ? shifted + tail : null;
}

const zoneOffset = /^(?:UTC|GMT)?(?<sign>[+\-\u2212])(?<hours>\d{1,2}?):?(?<minutes>\d\d)?$/;

/** Of `Z`, `UTC`, `+02:00`, `GMT+5:30`, `GMT-5`, in minutes to be taken off; null for one that there is not. */
function zoneOffsetMinutes(zone: string | undefined): number | null {
  if (zone === undefined || zone.length === 1 || zone === 'UTC' || zone === 'GMT') {
    return 0;
  }
  const groups = zoneOffset.exec(zone)?.groups;
  const hours = Number(groups?.hours);
  const minutes = Number(groups?.minutes ?? 0);
  if (groups === undefined || hours > 14 || minutes > 59) {
    return null;
  }
  return (hours * 60 + minutes) * (groups.sign === '+' ? 1 : -1);
}

/** A calendar day `2026-10-03`, or null. */
export function parseDay(text: string): string | null {
  return text.length === 10 && startsWithDate(text) ? text : null;
}

const spreadsheetDate =
  /^(?<a>\d{1,4})[/.-](?<b>\d{1,2})[/.-](?<c>\d{1,4})(?:,? +(?<hour>\d{1,2}):(?<minute>\d\d)(?::(?<second>\d\d))?(?:[ \u202f]?(?<half>[AaPp])[Mm])?(?<zone> ?(?:UTC|GMT)\S*)?)?$/;

/**
 * Reads a date as a spreadsheet prints it, in the order that the user has declared: `4/1/25`, `01.04.2025`,
 * `4/1/2025 2:05 PM`, as UTC (FOCUS and every provider's export are in UTC) unless it names its offset. Two-digit years are 2000–2099.
 * ISO 8601 is read too. Returns ISO 8601 UTC, or null.
 */
export function parseSpreadsheetInstant(text: string, order: Exclude<DateOrder, 'serial'>): string | null {
  const trimmed = text.trim();
  const iso = parseInstant(trimmed, { assumeUtc: true });
  if (iso !== null) {
    return iso;
  }
  const groups = spreadsheetDate.exec(trimmed)?.groups;
  if (groups === undefined) {
    return null;
  }
  const parts = [groups.a ?? '', groups.b ?? '', groups.c ?? ''];
  const part = (letter: string) => parts[order.indexOf(letter)] ?? '';
  const year = part('y');
  if ((year.length !== 2 && year.length !== 4) || part('m').length > 2 || part('d').length > 2) {
    return null;
  }
  const hour = twelveHourClock(groups.hour ?? '0', groups.half);
  if (hour === null) {
    return null;
  }
  const two = (value: string) => value.padStart(2, '0');
  const date = `${year.padStart(4, '20')}-${two(part('m'))}-${two(part('d'))}`;
  const time = `${two(hour)}:${groups.minute ?? '00'}:${groups.second ?? '00'}`;
  return parseInstant(`${date}T${time}${groups.zone ?? 'Z'}`);
}

function twelveHourClock(hour: string, half: string | undefined): string | null {
  if (half === undefined) {
    return hour;
  }
  const value = Number(hour);
  if (value < 1 || value > 12) {
    return null;
  }
  return String((value % 12) + (half.toLowerCase() === 'p' ? 12 : 0));
}

/** Unix seconds as text, whole or fractional (`1759622400`, `1759622400.5`): ISO 8601 UTC, or null outside 1970–2200. */
export function parseUnixSeconds(text: string): string | null {
  const match = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) {
    return null;
  }
  const iso = new Date(Number(match[1]) * 1000).toISOString().slice(0, 19);
  const fraction = (match[2] ?? '').slice(0, fractionDigitsMax).replace(/0+$/, '');
  return startsWithDate(iso) ? iso + (fraction === '' ? 'Z' : `.${fraction}Z`) : null;
}

/** Microseconds since 1970 of an instant in the form that this module returns. Exact: below 2^53 until 2255. */
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

/** Why a text is no instant, in words for the person who has to fix the file, and what to do about it. */
export function describeInstantProblem(text: string): { reason: string; suggestion: string } {
  const example = 'write it in ISO 8601 with its zone, e.g. 2026-10-03T13:12:46Z';
  const trimmed = text.trim();
  if (trimmed === '') {
    return { reason: 'is empty where a time is needed', suggestion: example };
  }
  if (spreadsheetDate.test(trimmed) && !startsWithDate(trimmed)) {
    return {
      reason: 'is an ambiguous date: day and month could be either way round',
      suggestion: 'say which it is: --date-order mdy, dmy or ymd',
    };
  }
  if (parseInstant(trimmed, { assumeUtc: true }) !== null && parseInstant(trimmed) === null) {
    return {
      reason: 'has no time zone',
      suggestion: `${example}, or say that times without a zone are UTC: --assume-utc`,
    };
  }
  if (/^\d{13}$/.test(trimmed)) {
    return { reason: 'looks like milliseconds since 1970', suggestion: example };
  }
  if (/^[45]\d{4}([.,]\d+)?$/.test(trimmed)) {
    return {
      reason: 'looks like the serial number of a date in a spreadsheet',
      suggestion: 'say that it is: --date-order serial',
    };
  }
  if (/\d [A-Z]{3,4}$/.test(trimmed)) {
    return { reason: 'names a zone that is no offset from UTC', suggestion: example };
  }
  if (/^\d{9,10}(\.\d+)?$/.test(trimmed)) {
    return { reason: 'looks like Unix seconds', suggestion: example };
  }
  if (/^\d{4}-\d\d-\d\d/.test(trimmed) && !startsWithDate(trimmed)) {
    return { reason: `is not a date between ${yearMin} and ${yearMax}`, suggestion: example };
  }
  return { reason: 'is not a time', suggestion: example };
}
