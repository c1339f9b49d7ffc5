/** What a spreadsheet makes of numbers and dates in its own language, read only where the user says that it did. */

import { parseDecimal } from './decimal.ts';
import { parseInstant, parseUnixSeconds } from './instant.ts';

const commaAmount =
  /^(?<sign>-?)[$€£¥]?\s*(?<whole>\d{1,3}(?:[.'\u2019 \u00a0\u202f]\d{3})+|\d*)(?:,(?<fraction>\d+))?(?<exponent>[eE][+-]?\d+)?\s*[$€£¥]?$/;

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
