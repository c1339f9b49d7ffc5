import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { epochMicros } from '../values/instant-math.ts';
import type { CopyTarget } from './copy.ts';

/** https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4: signature, no flags, no extension. */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);

/**
 * Loads rows as `BinaryRows` gives them, with one COPY. The server takes them in a quarter faster than text.
 * @returns the number of rows, as the server counted them.
 */
export async function copyBinary(
  client: pg.ClientBase,
  { table, columns }: CopyTarget,
  encoded: AsyncIterable<Buffer>,
): Promise<number> {
  const query = client.query(
    copyStreams.from(`copy ${table} (${columns.join(', ')}) from stdin with (format binary)`),
  );
  await pipeline(Readable.from(framed(encoded)), query);
  return query.rowCount;
}

async function* framed(encoded: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield header;
  yield* encoded;
  yield trailer;
}

/** Longer texts are left to the Buffer, for which a call costs more than so many characters. */
const shortTextMax = 64;
const [minus, zero, asciiEnd] = [45, 48, 128];
/** Of one base in which the server keeps numbers: four decimal digits. */
const groupDigits = 4;
const negativeSign = 0x4000;
const secondsTo2000 = 946_684_800;
const [microsPerSecond, microsPerDay] = [1_000_000, 86_400_000_000];
const wordSize = 2 ** 32;
/** More than any value that is no text takes. */
const valueBytesMax = 512;

/**
 * Rows in the binary form of COPY, written into one buffer: without pieces of text to be joined and encoded, a million
 * lines take half as long. Every value must be written in the type of its column; what is not null is not checked here.
 */
export class BinaryRows {
  #bytes: Buffer;
  #at = 0;
  readonly #size: number;

  /** `size` is how many bytes are expected between two `take`s; more fit, too. */
  constructor(size: number) {
    this.#size = size;
    this.#bytes = Buffer.allocUnsafeSlow(size);
  }

  /** The rows since the last time; null if there are none. */
  take(): Buffer | null {
    if (this.#at === 0) {
      return null;
    }
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = Buffer.allocUnsafeSlow(this.#size);
    this.#at = 0;
    return taken;
  }

  begin(columns: number): void {
    this.#reserve(valueBytesMax);
    this.#word(columns);
  }

  integer(value: number): void {
    this.#reserve(valueBytesMax);
    this.#long(4);
    this.#long(value);
  }

  /** PostgreSQL has no text with a zero character: it becomes the sign for what cannot be shown. */
  text(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    const { length } = value;
    this.#reserve(valueBytesMax + length * 3);
    const bytes = this.#bytes;
    const start = this.#at + 4;
    let at = length <= shortTextMax ? 0 : length;
    for (; at < length; at++) {
      const code = value.charCodeAt(at);
      if (code >= asciiEnd || code === 0) {
        break;
      }
      bytes[start + at] = code;
    }
    const isWritten = at === length && length <= shortTextMax;
    const size = isWritten ? length : bytes.write(value.replaceAll('\0', '\ufffd'), start, 'utf8');
    this.#long(size);
    this.#at += size;
  }

  /** A decimal as `parseDecimal` gives it, digit for digit: zeros at its end stay. */
  numeric(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    const { length } = value;
    const start = value.charCodeAt(0) === minus ? 1 : 0;
    const dot = value.indexOf('.', start);
    const point = dot === -1 ? length : dot;
    const scale = dot === -1 ? 0 : length - dot - 1;
    const wholeGroups = Math.ceil((point - start) / groupDigits);
    const groups = wholeGroups + Math.ceil(scale / groupDigits);
    this.#reserve(valueBytesMax + groups * 2);
    this.#long(8 + groups * 2);
    this.#word(groups);
    this.#word(wholeGroups - 1);
    this.#word(start === 1 ? negativeSign : 0);
    this.#word(scale);
    this.#digits(value, start, point, start - (wholeGroups * groupDigits - (point - start)));
    this.#digits(value, point + 1, length, point + 1);
  }

  /** The digits in [from, to) in groups of which the first begins at `groupsFrom`; what is missing on both sides is zero. */
  #digits(value: string, from: number, to: number, groupsFrom: number): void {
    for (let at = groupsFrom; at < to; at += groupDigits) {
      let group = 0;
      for (let digit = at; digit < at + groupDigits; digit++) {
        group = group * 10 + (digit >= from && digit < to ? value.charCodeAt(digit) - zero : 0);
      }
      this.#word(group);
    }
  }

  /** An instant as `parseInstant` gives it. */
  timestamp(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(valueBytesMax);
    const micros = epochMicros(value) - secondsTo2000 * microsPerSecond;
    const high = Math.floor(micros / wordSize);
    this.#long(8);
    this.#long(high);
    this.#long(micros - high * wordSize);
  }

  /** A day as `parseDay` gives it. */
  date(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.integer((epochMicros(`${value}T00:00:00Z`) - secondsTo2000 * microsPerSecond) / microsPerDay);
  }

  #null(): void {
    this.#reserve(valueBytesMax);
    this.#long(-1);
  }

  /** Room for so many bytes more. */
  #reserve(size: number): void {
    const needed = this.#at + size;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#at);
      this.#bytes = larger;
    }
  }

  #word(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at] = value >>> 8;
    bytes[this.#at + 1] = value;
    this.#at += 2;
  }

  #long(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at] = value >>> 24;
    bytes[this.#at + 1] = value >>> 16;
    bytes[this.#at + 2] = value >>> 8;
    bytes[this.#at + 3] = value;
    this.#at += 4;
  }
}
