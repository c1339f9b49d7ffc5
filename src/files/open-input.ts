import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { fileFault } from './bad-lines.ts';
import type { Input, InputDigest, InputSource } from './input.ts';
import { chunkBytes, nameOf, openBytes, readFault } from './open-bytes.ts';
import { beginsLikeParquet } from './parquet/magic.ts';
import { CheckedTextDecoder, sniffBinary } from './text-decoder.ts';

/** Formats and headers are recognised in this much text. */
const sampleBytes = 64 * 1024;

/**
 * Opens, uses, closes. See `openInput`.
 * @throws badInputError as `openInput`
 */
export async function withInput<T>(source: InputSource, use: (input: Input) => Promise<T>): Promise<T> {
  const input = await openInput(source);
  try {
    return await use(input);
  } finally {
    await input.close();
  }
}

/**
 * Opens a file or stdin as text: Parquet (files only) as the CSV that it would be, gzip (recognised by its first bytes) is
 * decompressed, the sha256 of the bytes is taken while they pass.
 * @throws badInputError if there is no such file, or it is empty, binary, not UTF-8, or its gzip data is damaged or cut
 *   off; with line and column where that is known
 */
export async function openInput(source: InputSource): Promise<Input> {
  if (source.path !== '-' && (await beginsLikeParquet(source.path))) {
    const { openParquet } = await import('./parquet/parquet-input.ts');
    return openParquet(source.path);
  }
  const input = new StreamedInput(source);
  try {
    await input.readSample();
    return input;
  } catch (error) {
    await input.close();
    throw error;
  }
}

class StreamedInput implements Input {
  readonly name: string;
  sample = '';
  sampleIsAll = false;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #digest: InputDigest | null = null;
  readonly #decoder: CheckedTextDecoder;
  readonly #raw: AsyncIterator<Uint8Array>;
  readonly #text: AsyncGenerator<string, void, undefined>;
  #pending: string[] = [];

  constructor(source: InputSource) {
    this.name = nameOf(source);
    this.#decoder = new CheckedTextDecoder(this.name);
    this.#raw = openBytes(source)[Symbol.asyncIterator]();
    this.#text = this.#decode(this.#plainBytes());
  }

  async readSample(): Promise<void> {
    let size = 0;
    while (size < sampleBytes) {
      const next = await this.#text.next();
      if (next.done) {
        this.sampleIsAll = true;
        break;
      }
      this.#pending.push(next.value);
      size += next.value.length;
    }
    const text = this.#pending.join('');
    if (this.sampleIsAll && text.trim() === '') {
      throw fileFault({
        file: this.name,
        line: 1,
        column: null,
        reason: 'the file is empty',
        suggestion: 'check the download',
      });
    }
    if (text.length > sampleBytes) {
      this.sampleIsAll = false;
    }
    this.#pending = [text];
    this.sample = text.slice(0, sampleBytes);
  }

  async *chunks(): AsyncGenerator<string, void, undefined> {
    const pending = this.#pending;
    this.#pending = [];
    yield* pending;
    yield* this.#text;
  }

  digest(): InputDigest {
    if (this.#digest === null) {
      throw new Error(`${this.name} has not been read to its end`);
    }
    return this.#digest;
  }

  async close(): Promise<void> {
    await this.#text.return();
    await this.#raw.return?.();
  }

  async *#decode(bytes: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
    let first = true;
    for await (const chunk of bytes) {
      const binary = first ? sniffBinary(chunk) : null;
      if (binary !== null) {
        throw fileFault({ file: this.name, line: 1, column: null, ...binary });
      }
      first = false;
      const text = this.#decoder.decode(chunk);
      if (text !== '') {
        yield text;
      }
    }
    this.#decoder.end();
    this.#digest = { sha256: this.#hash.digest('hex'), bytes: this.#bytes };
  }

  /** The raw bytes, decompressed if they begin like gzip. */
  async *#plainBytes(): AsyncGenerator<Buffer, void, undefined> {
    const head = await this.#readHead(64);
    if (head.length === 0) {
      return;
    }
    if (head[0] !== 0x1f || head[1] !== 0x8b) {
      yield head;
      for (let chunk = await this.#readRaw(); chunk !== null; chunk = await this.#readRaw()) {
        yield chunk;
      }
      return;
    }
    yield* this.#gunzipped(head);
    // What follows the last gzip member is not text, but belongs to the digest of the file.
    while ((await this.#readRaw()) !== null) {}
  }

  async *#gunzipped(head: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const compressed = Readable.from(this.#rawFrom(head), { objectMode: false });
    const gunzip = createGunzip({ chunkSize: chunkBytes });
    compressed.on('error', (error) => gunzip.destroy(error));
    try {
      yield* compressed.pipe(gunzip);
    } catch (error) {
      throw readFault(this.name, error);
    } finally {
      compressed.destroy();
      gunzip.destroy();
    }
  }

  async *#rawFrom(head: Buffer): AsyncGenerator<Buffer, void, undefined> {
    yield head;
    for (let chunk = await this.#readRaw(); chunk !== null; chunk = await this.#readRaw()) {
      yield chunk;
    }
  }

  /** At least `size` bytes, unless the file is shorter: stdin may hand them over one at a time. */
  async #readHead(size: number): Promise<Buffer> {
    let head: Buffer = Buffer.alloc(0);
    while (head.length < size) {
      const chunk = await this.#readRaw();
      if (chunk === null) {
        break;
      }
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    }
    return head;
  }

  async #readRaw(): Promise<Buffer | null> {
    try {
      const next = await this.#raw.next();
      if (next.done) {
        return null;
      }
      const { value } = next;
      const chunk = Buffer.isBuffer(value)
        ? value
        : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      return chunk;
    } catch (error) {
      throw readFault(this.name, error);
    }
  }
}
