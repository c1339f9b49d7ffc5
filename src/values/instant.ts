import type { Grammar, Problem } from './grammar.ts';

/**
 * Instants as text: strict ISO 8601 in, ISO 8601 UTC out, the fraction kept as the file has it. Character
 * codes instead of Date or a regular expression: two instants a line are the largest cost of a fast reader. A million of
 * them take 0.1 s here, 1.3 s by Date, 2.0 s by dayjs, and 14 s by dayjs with a format that is held to: without one, both
 * take 30 February for 2 March.
 */

/** Outside these years a date is a mistake (milliseconds read as seconds, a lost century), not a bill. */
const yearMin = 1970;
const yearMax = 2200;
/** PostgreSQL keeps microseconds; finer digits are cut, not rounded, so that no instant moves past its second. */
const fractionDigitsMax = 6;

const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The number of the two digits at `at`, or -1. */
export function twoDigits(text: string, at: number): number {
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

/** What could be a date in some order of day, month and year: not one that begins as ISO 8601 has it. */
const unorderedDate = /^(?!\d{4}-\d{2}-\d{2})\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}(?:,? +\d|$)/;

/** Why a text is no instant. `inFiles`: what to say where the options of a file can help. */
export function describeInstantProblem(text: string): Problem & { inFiles?: string } {
  const suggestion = 'write it in ISO 8601 with its zone, like 2026-11-01T00:00:00Z';
  const trimmed = text.trim();
  if (trimmed === '') {
    return { reason: 'is empty where a time is needed', suggestion };
  }
  if (unorderedDate.test(trimmed)) {
    const inFiles = 'say which it is: --date-order mdy, dmy or ymd';
    return { reason: 'is an ambiguous date: day and month could be either way round', suggestion, inFiles };
  }
  if (parseInstant(trimmed, { assumeUtc: true }) !== null && parseInstant(trimmed) === null) {
    const inFiles = `${suggestion}, or say that times without a zone are UTC: --assume-utc`;
    return { reason: 'has no time zone', suggestion, inFiles };
  }
  if (/^\d{13}$/.test(trimmed)) {
    return { reason: 'looks like milliseconds since 1970', suggestion };
  }
  if (/^[45]\d{4}([.,]\d+)?$/.test(trimmed)) {
    const inFiles = 'say that it is: --date-order serial';
    return { reason: 'looks like the serial number of a date in a spreadsheet', suggestion, inFiles };
  }
  if (/\d [A-Z]{3,4}$/.test(trimmed)) {
    return { reason: 'names a zone that is no offset from UTC', suggestion };
  }
  if (/^\d{9,10}(\.\d+)?$/.test(trimmed)) {
    return { reason: 'looks like Unix seconds', suggestion };
  }
  if (/^\d{4}-\d\d-\d\d/.test(trimmed) && !startsWithDate(trimmed)) {
    return { reason: `is not a date between ${yearMin} and ${yearMax}`, suggestion };
  }
  return { reason: 'is not an instant', suggestion };
}

/** A day `2026-10-03`. */
export const day: Grammar<string> = {
  parse: (text) => parseDay(text.trim()),
  describeProblem: (text) => ({
    reason: startsWithDate(text.trim()) ? 'is more than a date' : 'is not a date',
    suggestion: 'write it like 2026-11-01',
  }),
};

/** An instant with its zone, or a day: its midnight in UTC. Files say themselves whether they have zones. */
export const instantOrDay: Grammar<string> = {
  parse(text) {
    const trimmed = text.trim();
    return parseDay(trimmed) === null ? parseInstant(trimmed) : parseInstant(trimmed, { assumeUtc: true });
  },
  describeProblem: describeInstantProblem,
};

/** `2026-10-31 04:00Z` of an instant in UTC, for the cell of a table: what is cut needs no library. */
export const minuteText = (instant: string): string => `${instant.slice(0, 10)} ${instant.slice(11, 16)}Z`;
