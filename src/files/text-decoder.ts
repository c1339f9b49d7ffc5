import { isAscii, isUtf8 } from 'node:buffer';
import { fileFault } from './bad-lines.ts';

/** The beginnings of files that people mistake for CSV or JSON, with what to do about each. */
const magicNumbers: ReadonlyArray<{ bytes: number[]; what: string; suggestion: string }> = [
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    what: 'a zip archive or a spreadsheet (xlsx)',
    suggestion: 'unzip it, or save the sheet as CSV',
  },
  { bytes: [0xd0, 0xcf, 0x11, 0xe0], what: 'an old Excel file (xls)', suggestion: 'save the sheet as CSV' },
  { bytes: [0x25, 0x50, 0x44, 0x46], what: 'a PDF', suggestion: 'download the export as CSV or JSON' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'compressed with zstd', suggestion: 'zstd -dc FILE | quota … -' },
  { bytes: [0x42, 0x5a, 0x68], what: 'compressed with bzip2', suggestion: 'bzip2 -dc FILE | quota … -' },
  { bytes: [0xfd, 0x37, 0x7a, 0x58], what: 'compressed with xz', suggestion: 'xz -dc FILE | quota … -' },
  { bytes: [0x1f, 0x8b], what: 'compressed twice', suggestion: 'decompress it once' },
  {
    bytes: [0x50, 0x41, 0x52, 0x31],
    what: 'a Parquet file',
    suggestion: 'give its path: it is not read in order',
  },
];

/** What kind of non-text the first bytes of a file announce, or null if they may well be text in UTF-8. */
export function sniffBinary(head: Uint8Array): { reason: string; suggestion: string } | null {
  const wide = wideEncoding(head);
  if (wide !== null) {
    return {
      reason: `the text is ${wide.name}, not UTF-8`,
      suggestion: `convert it: iconv -f ${wide.iconv} -t UTF-8 FILE | quota … -`,
    };
  }
  const magic = magicNumbers.find(({ bytes }) => bytes.every((byte, i) => head[i] === byte));
  return magic === undefined
    ? null
    : { reason: `the file is ${magic.what}, not text`, suggestion: magic.suggestion };
}

/** Marks at the beginning. That of UTF-32 in little ends begins as that of UTF-16 does: it is looked for first. */
const marks: ReadonlyArray<{ bytes: number[]; name: string }> = [
  { bytes: [0xff, 0xfe, 0, 0], name: 'UTF-32' },
  { bytes: [0, 0, 0xfe, 0xff], name: 'UTF-32' },
  { bytes: [0xff, 0xfe], name: 'UTF-16' },
  { bytes: [0xfe, 0xff], name: 'UTF-16' },
];

/** Units of more bytes than one, by a mark or by where the zeros are; `iconv`: what iconv calls it, whether marked or not. */
function wideEncoding(head: Uint8Array): { name: string; iconv: string } | null {
  const mark = marks.find(({ bytes }) => bytes.every((byte, i) => head[i] === byte));
  if (mark !== undefined) {
    return { name: mark.name, iconv: mark.name };
  }
  // Of most languages all that is in the first 64 bytes is within one byte, or two.
  const zeros = [0, 1, 2, 3].map((place) => zerosAt(head, place));
  const [first = 0, second = 0, third = 0, fourth = 0] = zeros;
  const units = Math.floor(Math.min(head.length, 64) / 4);
  if (units > 0 && third === units && fourth === units && first === 0) {
    return { name: 'UTF-32', iconv: 'UTF-32LE' };
  }
  if (units > 0 && first === units && second === units && fourth === 0) {
    return { name: 'UTF-32', iconv: 'UTF-32BE' };
  }
  const [even, odd] = [first + third, second + fourth];
  if (units > 0 && odd > units && even === 0) {
    return { name: 'UTF-16', iconv: 'UTF-16LE' };
  }
  return units > 0 && even > units && odd === 0 ? { name: 'UTF-16', iconv: 'UTF-16BE' } : null;
}

/** How many of the first units of four bytes are zero at a place. */
function zerosAt(head: Uint8Array, place: number): number {
  let zeros = 0;
  for (let at = place; at < Math.min(head.length & ~3, 64); at += 4) {
    zeros += head[at] === 0 ? 1 : 0;
  }
  return zeros;
}

const newline = 10;

/**
 * Turns the chunks of one file into text, checked: UTF-8 only, no NUL bytes; a byte order mark is dropped.
 * Faults are thrown with line and column (exit 65). Pure ASCII, the usual case, is neither validated nor
 * widened to two bytes a character.
 */
export class CheckedTextDecoder {
  readonly #file: string;
  #rest: Buffer = Buffer.alloc(0);
  #atStart = true;
  /** Line of the first byte of the next chunk, and how many characters of that line came before it. */
  #line = 1;
  #column = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Text of the bytes so far that end with a whole character. */
  decode(chunk: Buffer): string {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = wholeCharactersEnd(bytes);
    this.#rest = bytes.subarray(end);
    return this.#text(bytes.subarray(0, end));
  }

  /** To be called after the last chunk: throws if the file ends inside a character. */
  end(): void {
    if (this.#rest.length > 0) {
      this.#text(this.#rest);
    }
  }

  #text(bytes: Buffer): string {
    const nul = bytes.indexOf(0);
    if (nul !== -1) {
      this.#refuse(bytes, nul, 'a NUL byte: the file is binary or damaged', 'export it again as text');
    }
    const ascii = isAscii(bytes);
    if (!ascii && !isUtf8(bytes)) {
      this.#refuse(
        bytes,
        firstInvalidByte(bytes),
        'not valid UTF-8',
        'convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE | quota … -',
      );
    }
    const text = ascii ? bytes.toString('latin1') : bytes.toString('utf8');
    this.#countLines(text);
    if (!this.#atStart || text === '') {
      return text;
    }
    this.#atStart = false;
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  #countLines(text: string): void {
    let from = 0;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      this.#line += 1;
      from = at + 1;
    }
    this.#column = from === 0 ? this.#column + text.length : text.length - from;
  }

  #refuse(bytes: Buffer, at: number, reason: string, suggestion: string): never {
    let line = this.#line;
    let lineStart = -1;
    for (let i = bytes.indexOf(newline); i !== -1 && i < at; i = bytes.indexOf(newline, i + 1)) {
      line += 1;
      lineStart = i;
    }
    const before = bytes.toString('utf8', lineStart + 1, at).length + (lineStart === -1 ? this.#column : 0);
    throw fileFault({ file: this.#file, line, column: before + 1, reason, suggestion });
  }
}

/** Where the last whole UTF-8 character ends: a chunk may be cut inside one. */
function wholeCharactersEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes.at(-back) ?? 0;
    if (byte < 0x80) {
      return bytes.length;
    }
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

/** Index of the character whose bytes are not UTF-8. Slow, but runs once, to say where. */
function firstInvalidByte(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    const size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (size > 1 && !isUtf8(bytes.subarray(at, at + size))) {
      return at;
    }
    at += size;
  }
  return at;
}
