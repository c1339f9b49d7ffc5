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
  return needsTidying ? tidy(first === minus, text.slice(start)) : text;
}

function tidy(negative: boolean, unsigned: string): string {
  const stripped = unsigned.replace(/^0+(?=\d)/, '');
  const whole = stripped.startsWith('.') ? `0${stripped}` : stripped;
  return negative ? `-${whole}` : whole;
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

/** Moves the point of an exact decimal by `places` to the right (to the left if negative): `('123.45', -2)` is `1.2345`. */
export function shiftDecimal(decimal: string, places: number): string {
  const negative = decimal.startsWith('-');
  const unsigned = negative ? decimal.slice(1) : decimal;
  const [whole = '', fraction = ''] = unsigned.split('.');
  if (places >= 0) {
    const padded = fraction.padEnd(places, '0');
    const rest = padded.slice(places);
    return tidy(negative, rest === '' ? whole + padded : `${whole}${padded.slice(0, places)}.${rest}`);
  }
  const padded = whole.padStart(1 - places, '0');
  const cut = padded.length + places;
  return tidy(negative, `${padded.slice(0, cut)}.${padded.slice(cut)}${fraction}`);
}

/** An exact decimal times a whole number, e.g. minutes to seconds. */
export function multiplyDecimal(decimal: string, factor: number): string {
  const point = decimal.indexOf('.');
  const places = point === -1 ? 0 : decimal.length - point - 1;
  const product = BigInt(decimal.replace('.', '')) * BigInt(factor);
  return shiftDecimal(product.toString(), -places);
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

const formattedAmount = /^(?<sign>-?)[$€£¥]?\s*(?<amount>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)$/;

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

/** Why a text is no plain decimal, in words for the person who has to fix the file. */
export function describeDecimalProblem(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') {
    return 'is empty where an amount is needed';
  }
  if (/[$€£¥]|^[A-Z]{3}\s|\s[A-Z]{3}$/.test(trimmed)) {
    return 'has a currency sign';
  }
  if (/^-?\d{1,3}(,\d{3})+(\.\d*)?$/.test(trimmed)) {
    return 'has thousands separators';
  }
  if (/^-?\d+,\d+$|^-?\d{1,3}(\.\d{3})+,\d+$/.test(trimmed)) {
    return 'has a decimal comma';
  }
  if (trimmed.endsWith('%')) {
    return 'is a percentage';
  }
  if (trimmed !== text) {
    return 'has blanks around the number';
  }
  if (trimmed.length > digitsMax) {
    return `has more than ${digitsMax} characters`;
  }
  return 'is not a number';
}
