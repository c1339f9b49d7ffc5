/** One record of a CSV text, or why there is none. Positions are indexes into the text. */
export type CsvRecord =
  | { ok: true; fields: string[]; end: number; lines: number }
  | { ok: false; at: number; reason: string; incomplete: boolean };

const quoteCode = 34;
const carriageReturn = 13;
const newline = 10;

const neverClosed = 'the quote that opens here is never closed';

/**
 * Reads the record at `start` (RFC 4180): quoted fields may hold delimiters, line ends and doubled quotes; a
 * quote inside an unquoted field is an ordinary character. `end` is the index after the record's line end,
 * `lines` the number of lines it covers. If a quote is still open at the end of the text the record is
 * `incomplete`: more text may complete it, unless `isLast`.
 */
export function parseRecord(text: string, start: number, delimiter: string, isLast: boolean): CsvRecord {
  const fields: string[] = [];
  const delimiterCode = delimiter.charCodeAt(0);
  let lines = 1;
  let at = start;
  let opened = start;
  for (;;) {
    if (text.charCodeAt(at) === quoteCode) {
      const closing = closingQuote(text, at + 1);
      if (closing === -1) {
        return { ok: false, at, reason: neverClosed, incomplete: !isLast };
      }
      opened = at;
      const value = text.slice(at + 1, closing);
      fields.push(value.includes('"') ? value.replaceAll('""', '"') : value);
      lines += value.includes('\n') ? value.split('\n').length - 1 : 0;
      at = closing + 1;
    } else {
      const end = fieldEnd(text, at, delimiterCode);
      fields.push(text.slice(at, end));
      at = end;
    }
    const code = text.charCodeAt(at);
    if (code === delimiterCode) {
      at += 1;
      continue;
    }
    if (code === carriageReturn && (text.charCodeAt(at + 1) === newline || at + 1 === text.length)) {
      at += 1;
    }
    if (at >= text.length) {
      if (isLast) {
        return { ok: true, fields, end: text.length + 1, lines };
      }
      return { ok: false, at, reason: 'the record is cut off', incomplete: true };
    }
    if (text.charCodeAt(at) === newline) {
      return { ok: true, fields, end: at + 1, lines };
    }
    // A quote left open ends at the next one, lines later: the line to mend is the one where it opens.
    return text.slice(opened, at).includes('\n')
      ? { ok: false, at: opened, reason: neverClosed, incomplete: false }
      : { ok: false, at, reason: 'text after the closing quote of a field', incomplete: false };
  }
}

/** Index of the quote that ends a quoted field, or -1. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 2)) {
    if (text.charCodeAt(at + 1) !== quoteCode) {
      return at;
    }
  }
  return -1;
}

function fieldEnd(text: string, from: number, delimiterCode: number): number {
  let end = from;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === delimiterCode) {
      return end;
    }
    if (code === newline) {
      break;
    }
  }
  return end > from && text.charCodeAt(end - 1) === carriageReturn ? end - 1 : end;
}
