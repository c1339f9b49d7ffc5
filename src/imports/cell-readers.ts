import { bytesCell, CellFault, decimalCell, instantCell, quoted, secondsCell } from '../files/cells.ts';
import { wholeWithin } from '../values/decimal.ts';
import type { ImportColumn } from './import-kind.ts';

type CellReader = ImportColumn['read'];

/** Names and identifiers are indexed; PostgreSQL refuses index entries above some 2,700 bytes. */
const identifierLengthMax = 255;
const messageLengthMax = 10_000;

/**
 * A name or an identifier, without the blanks around it.
 * @throws CellFault
 */
export const readIdentifier: CellReader = (text, title) => limited(text.trim(), title, identifierLengthMax);

/**
 * A text for people.
 * @throws CellFault
 */
export const readMessage: CellReader = (text, title) => limited(text, title, messageLengthMax);

/** @throws CellFault */
export const readEmail: CellReader = (text, title) => {
  const email = limited(text.trim(), title, identifierLengthMax);
  if (email !== null && !/^[^\s@]+@[^\s@]+$/.test(email)) {
    throw new CellFault(title, `${quoted(email)} is not an email address`);
  }
  return email;
};

function limited(text: string, title: string, lengthMax: number): string | null {
  if (text.length > lengthMax) {
    throw new CellFault(title, `${quoted(text)} has more than ${lengthMax} characters`);
  }
  return text === '' ? null : text;
}

/**
 * An instant in years of four digits that a person can have meant: from `yearMin` until the end of 2199.
 * @throws CellFault from the reader
 */
export function readInstant(yearMin: number): CellReader {
  const first = String(yearMin);
  return (text, title, format) => {
    const instant = instantCell(text.trim(), title, format);
    if (instant !== null && (instant < first || instant >= '2200')) {
      throw new CellFault(title, `${quoted(text)} is not between ${first} and 2200`);
    }
    return instant;
  };
}

/**
 * An exact decimal from zero to `max`.
 * @throws CellFault from the reader
 */
export const readDecimal = (max: number, maxReason: string): CellReader =>
  bounded(decimalCell, max, maxReason);

/**
 * Seconds from zero to `max`, also as a length of time: `15m`.
 * @throws CellFault from the reader
 */
export const readSeconds = (max: number, maxReason: string): CellReader =>
  bounded(secondsCell, max, maxReason);

function bounded(read: typeof decimalCell, max: number, maxReason: string): CellReader {
  return (text, title, format) => {
    const decimal = read(text, title, format);
    if (decimal === null) {
      return null;
    }
    if (decimal.startsWith('-') && Number(decimal) < 0) {
      throw new CellFault(title, `${quoted(text)} is negative`);
    }
    if (Number(decimal) > max) {
      throw new CellFault(title, `${quoted(text)} is ${maxReason}`);
    }
    return decimal;
  };
}

/**
 * A whole number from zero to `max`.
 * @throws CellFault from the reader
 */
export function readWhole(max: number): CellReader {
  const whole = wholeWithin(0, max);
  return (text, title) => {
    const number = text.trim() === '' ? null : whole.parse(text);
    if (number === null && text.trim() !== '') {
      const { reason, suggestion } = whole.describeProblem(text);
      throw new CellFault(title, `${quoted(text)} ${reason}`, suggestion);
    }
    return number === null ? null : String(number);
  };
}

/** A size in bytes: `26214400`, `25MB`. */
export const readBytes: CellReader = bytesCell;

const yes = ['true', 'yes', 'y', '1', 't'];
const no = ['false', 'no', 'n', '0', 'f'];

/**
 * Yes or no, in a few spellings.
 * @throws CellFault
 */
export const readYesNo: CellReader = (text, title) => {
  const word = text.trim().toLowerCase();
  if (word !== '' && !yes.includes(word) && !no.includes(word)) {
    throw new CellFault(title, `${quoted(text)} is neither yes nor no`, 'write yes or no, true or false');
  }
  return word === '' ? null : String(yes.includes(word));
};

const listLengthMax = 100;

/**
 * Names or identifiers with `;` or `,` in between, or a list of JSON, as the array that COPY takes.
 * @throws CellFault
 */
export const readIdentifiers: CellReader = (text, title) => {
  const parts = /^\s*\[/.test(text) ? jsonTexts(text, title) : text.split(/[;,]/);
  const names = [...new Set(parts.flatMap((part) => limited(part.trim(), title, identifierLengthMax) ?? []))];
  if (names.length > listLengthMax) {
    throw new CellFault(title, `has more than ${listLengthMax} entries`);
  }
  const quotedName = (name: string) => `"${name.replace(/["\\]/g, '\\$&')}"`;
  return names.length === 0 ? null : `{${names.map(quotedName).join(',')}}`;
};

function jsonTexts(text: string, title: string): string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((one) => typeof one === 'string')) {
      return list;
    }
  } catch {
    // Told below.
  }
  throw new CellFault(title, `${quoted(text)} is no list of texts`, 'write it like +4930111;+4930112');
}

/**
 * One of a few words, in any case.
 * @throws CellFault from the reader
 */
export function readChoice(...choices: string[]): CellReader {
  return (text, title) => {
    const choice = text.trim().toLowerCase();
    if (choice !== '' && !choices.includes(choice)) {
      throw new CellFault(title, `${quoted(text)} is none of ${choices.join(', ')}`);
    }
    return choice === '' ? null : choice;
  };
}
