import { plainDecimal, shiftDecimal, tidyDecimal } from './decimal-math.ts';
import type { Grammar, Problem } from './grammar.ts';

/**
 * Exact decimals as text. Money and quantities never pass through a float: what the file says is checked
 * character by character and kept digit for digit (`0.8958740000000000` stays that).
 */

/** Enough for any amount a provider prints (36 digits after the point are seen), and a bound on hostile input. */
const digitsMax = 60;
/** A float prints no greater one. A zero may have any: decimals of 128 bits print theirs as `0E-6176`. */
const exponentMax = 324;

const zero = 48;
const nine = 57;
const dot = 46;
const minus = 45;
const plus = 43;

/**
 * Reads a plain decimal (`12`, `-0.50`, `.5`, `35.2E-7`) and returns it without exponent, plus sign or leading
 * zeros, every digit after the point kept. Returns null for anything else: currency signs, thousands
 * separators, a decimal comma, blanks, words.
 */
export function parseDecimal(text: string): string | null {
  const length = text.length;
  if (length === 0 || length > digitsMax) {
    return null;
  }
  const first = text.charCodeAt(0);
  const start = first === minus || first === plus ? 1 : 0;
  let point = -1;
  let digits = 0;
  for (let i = start; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= zero && code <= nine) {
      digits++;
    } else if (code === dot && point === -1) {
      point = i;
    } else if ((code | 32) === 101 && digits > 0) {
      return expandExponent(text, i);
    } else {
      return null;
    }
  }
  if (digits === 0 || point === length - 1) {
    return null;
  }
  const needsTidying =
    first === plus ||
    point === start ||
    (text.charCodeAt(start) === zero && length > start + 1 && point !== start + 1);
  return needsTidying ? tidyDecimal(first === minus, text.slice(start)) : text;
}

function expandExponent(text: string, at: number): string | null {
  const mantissa = parseDecimal(text.slice(0, at));
  const exponent = text.slice(at + 1);
  if (mantissa === null || !/^[+-]?\d+$/.test(exponent)) {
    return null;
  }
  if (!/[1-9]/.test(mantissa)) {
    return '0';
  }
  const places = Number(exponent);
  return Math.abs(places) > exponentMax ? null : shiftDecimal(mantissa, places);
}

/** A whole number that may be printed as a float (`10.0`, as OpenAI's activity export does): returns `10`, or null. */
export function parseWhole(text: string): string | null {
  const decimal = parseDecimal(text);
  if (decimal === null) {
    return null;
  }
  const point = decimal.indexOf('.');
  if (point === -1) {
    return decimal;
  }
  return /^\.0+$/.test(decimal.slice(point)) ? decimal.slice(0, point) : null;
}

const example = 'write a plain number like 1234.56';

/** Why a text is no plain decimal. */
export function describeDecimalProblem(text: string): Problem {
  return { reason: decimalFault(text.trim()), suggestion: example };
}

function decimalFault(text: string): string {
  if (text === '') {
    return 'is empty where a number is needed';
  }
  if (/[$€£¥]|^[A-Z]{3}\s|\s[A-Z]{3}$/.test(text)) {
    return 'has a currency sign';
  }
  if (/^-?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(text)) {
    return 'has thousands separators';
  }
  if (/^-?\d+,\d+$|^-?[1-9]\d{0,2}(\.\d{3})+,\d+$/.test(text)) {
    return 'has a decimal comma';
  }
  if (text.endsWith('%')) {
    return 'is a percentage';
  }
  return text.length > digitsMax ? `has more than ${digitsMax} characters` : 'is not a number';
}

/** Of amounts and quantities that are kept as `numeric(20, n)`: with room for sums. */
const wholeDigitsMax = 12;

/** A decimal of zero or more that the database keeps digit for digit, without zeros at its end. */
export function decimalWithin(decimalsMax: number): Grammar<string> {
  const faultOf = (decimal: string): string | null => {
    const [whole = '', fraction = ''] = decimal.replace('-', '').split('.');
    if (whole.length > wholeDigitsMax) {
      return `has more than ${wholeDigitsMax} digits before the point`;
    }
    if (fraction.length > decimalsMax) {
      return decimalsMax === 0 ? 'is not a whole number' : `has more than ${decimalsMax} decimals`;
    }
    return decimal.startsWith('-') ? 'is negative' : null;
  };
  const plain = (text: string) => {
    const decimal = parseDecimal(text.trim());
    return decimal === null ? null : plainDecimal(decimal);
  };
  return {
    parse(text) {
      const decimal = plain(text);
      return decimal === null || faultOf(decimal) !== null ? null : decimal;
    },
    describeProblem(text) {
      const decimal = plain(text);
      const reason = decimal === null ? null : faultOf(decimal);
      return reason === null
        ? describeDecimalProblem(text)
        : { reason, suggestion: decimalsMax === 0 ? 'write it like 120' : 'write it like 120 or 12.5' };
    },
  };
}

/** A whole number within bounds, both included. */
export function wholeWithin(min: number, max: number): Grammar<number> {
  return {
    parse(text) {
      const number = Number(parseWhole(text.trim()) ?? Number.NaN);
      return number >= min && number <= max ? number : null;
    },
    describeProblem: () => ({
      reason: `is not a whole number from ${min} to ${max}`,
      suggestion: `write it like ${Math.max(min, Math.min(100, max))}`,
    }),
  };
}
