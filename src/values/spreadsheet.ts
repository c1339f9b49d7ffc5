/** What a spreadsheet makes of numbers and dates in its own language, read only where the user says that it did. */

import { parseDecimal } from './decimal.ts';
import { parseInstant, parseUnixSeconds } from './instant.ts';

/** In which order a spreadsheet writes dates; `serial`: as the number of days since 1900. */
export type DateOrder = 'mdy' | 'dmy' | 'ymd' | 'serial';

/** Nobody groups the thousands of a number that begins with a zero: `0,150` has a decimal comma, `0.150` a point. */
const formattedAmount =
  /^(?<sign>-?)[$€£¥]?\s*(?<amount>[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)$/;

/**
 * Reads an amount as a spreadsheet prints it: `"$50,000.00 "`, `-$1.50`, `($1.50)`. Only for files that the
 * user has declared to be spreadsheet-formatted; returns null for what is still ambiguous (`1.234,56`).
 */
export function parseSpreadsheetDecimal(text: string): string | null {
  const trimmed = text.trim();
  const bracketed = trimmed.startsWith('(') && trimmed.endsWith(')');
  const match = formattedAmount.exec(bracketed ? trimmed.slice(1, -1).trim() : trimmed);
  const amount = match?.groups?.amount;
  if (amount === undefined) {
    return parseDecimal(trimmed);
  }
  const negative = bracketed || match?.groups?.sign === '-';
  return parseDecimal((negative ? '-' : '') + amount.replaceAll(',', ''));
}

const commaAmount =
  /^(?<sign>-?)[$€£¥]?\s*(?<whole>[1-9]\d{0,2}(?:[.'\u2019 \u00a0\u202f]\d{3})+|\d*)(?:,(?<fraction>\d+))?(?<exponent>[eE][+-]?\d+)?\s*[$€£¥]?$/;

/**
 * Reads an amount with a decimal comma: `0,2315`, `1.234,56`, `1 234,56 €`, `(0,50)`, `5,2E-06`. A point groups
 * thousands there, so `0.2315` is none. Returns it as an exact decimal with a point, or null.
 */
export function parseCommaDecimal(text: string): string | null {
  const trimmed = text.trim();
  const bracketed = trimmed.startsWith('(') && trimmed.endsWith(')');
  const groups = commaAmount.exec(bracketed ? trimmed.slice(1, -1).trim() : trimmed)?.groups;
  if (groups === undefined) {
    return null;
  }
  const { sign, whole = '', fraction, exponent = '' } = groups;
  const digits = `${whole.replace(/\D/g, '')}${fraction === undefined ? '' : `.${fraction}`}`;
  return parseDecimal(`${bracketed || sign === '-' ? '-' : ''}${digits}${exponent}`);
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

const secondsPerDay = 86_400;
/** 1970-01-01 in days since the 30th of December 1899, the day 0 of Excel and its like after February 1900. */
const epochSerial = 25_569;
/** With fewer digits after the point a serial number does not tell milliseconds, and its seconds are rounded. */
const exactFractionDigits = 8;

/**
 * Reads the serial number of a date, as spreadsheets write cells that were never given a format: `46298.675220` is
 * 2026-10-03T16:12:19Z. Returns ISO 8601 UTC, or null outside 1970–2200 and for anything else.
 */
export function parseSerialInstant(text: string): string | null {
  const match = /^(\d{5,6})(?:[.,](\d{1,15}))?$/.exec(text.trim());
  if (match === null) {
    return null;
  }
  const [, days = '', fraction = ''] = match;
  const ofDay = Number(`0.${fraction || '0'}`) * secondsPerDay;
  const scale = fraction.length < exactFractionDigits ? 1 : 1000;
  const milliseconds = (Math.round(ofDay * scale) / scale) * 1000;
  const total = (Number(days) - epochSerial) * secondsPerDay * 1000 + Math.round(milliseconds);
  if (total < 0) {
    return null;
  }
  const seconds = Math.floor(total / 1000);
  return parseUnixSeconds(`${seconds}.${String(total - seconds * 1000).padStart(3, '0')}`);
}

/** A date where dates are serial numbers: one, or what was left as text. */
export const parseSerialOrIso = (text: string): string | null =>
  parseSerialInstant(text) ?? parseInstant(text.trim(), { assumeUtc: true });
