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

const utf16Advice = 'convert it: iconv -f UTF-16 -t UTF-8 FILE | quota … -';

/** What kind of non-text the first bytes of a file announce, or null if they may well be text in UTF-8. */
export function sniffBinary(head: Uint8Array): { reason: string; suggestion: string } | null {
  const [a, b] = head;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || looksLikeUtf16(head)) {
    return { reason: 'the text is UTF-16, not UTF-8', suggestion: utf16Advice };
  }
  const magic = magicNumbers.find(({ bytes }) => bytes.every((byte, i) => head[i] === byte));
  return magic === undefined
    ? null
    : { reason: `the file is ${magic.what}, not text`, suggestion: magic.suggestion };
}

/** UTF-16 without a mark: every other byte of the beginning is zero. */
function looksLikeUtf16(head: Uint8Array): boolean {
  const size = Math.min(head.length, 64) & ~1;
  if (size < 4) {
    return false;
  }
  let even = 0;
  let odd = 0;
  for (let i = 0; i < size; i++) {
    if (head[i] === 0) {
      i % 2 === 0 ? even++ : odd++;
    }
  }
  return (odd > size / 4 && even === 0) || (even > size / 4 && odd === 0);
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
