import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { decompress as unpackZstd } from 'fzstd';
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { badInputError, QuotaError } from '../../errors.ts';
import { digestOf } from '../digest.ts';
import type { Input, InputDigest } from '../input.ts';
import { cellOf, type Scales, takeScales, textParsers } from './parquet-values.ts';

/** So many values are in memory at a time, however many columns a file has. */
const valuesMax = 1_000_000;
const rowsMin = 1000;
/** Enough of the text to tell a format by. */
const sampleRows = 200;

const compressors: Compressors = {
  GZIP: (packed) => gunzipSync(packed),
  BROTLI: (packed) => brotliDecompressSync(packed),
  ZSTD: (packed, length) => unpackZstd(packed, new Uint8Array(length)),
};

/**
 * Opens a Parquet file as the CSV that it would be: a header with the names of its columns, and a row per row.
 * Decimals and instants keep their digits, maps and lists are JSON, no value is an empty cell. Snappy, gzip, brotli and
 * zstd are read.
 * @throws badInputError if it cannot be read
 */
export async function openParquet(path: string): Promise<Input> {
  return readable(path, async () => {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    const table = new ParquetTable(path, { file, metadata, columns, scales: takeScales(metadata) });
    await table.readSample();
    return table;
  });
}

interface Contents {
  file: AsyncBuffer;
  metadata: FileMetaData;
  columns: string[];
  scales: Scales;
}

class ParquetTable implements Input {
  readonly name: string;
  sample = '';
  sampleIsAll = false;
  #digest: InputDigest | null = null;
  readonly #contents: Contents;
  readonly #rows: number;

  constructor(path: string, contents: Contents) {
    this.name = path;
    this.#contents = contents;
    this.#rows = Number(contents.metadata.num_rows);
  }

  async readSample(): Promise<void> {
    this.sample = this.#header() + (await this.#text(0, Math.min(sampleRows, this.#rows)));
    this.sampleIsAll = this.#rows <= sampleRows;
  }

  async *chunks(): AsyncGenerator<string, void, undefined> {
    const { columns } = this.#contents;
    const rowsAtOnce = Math.max(rowsMin, Math.floor(valuesMax / columns.length));
    yield this.#header();
    for (let from = 0; from < this.#rows; from += rowsAtOnce) {
      yield await readable(this.name, () => this.#text(from, Math.min(from + rowsAtOnce, this.#rows)));
    }
    this.#digest = await digestOf({ path: this.name });
  }

  digest(): InputDigest {
    if (this.#digest === null) {
      throw new Error(`${this.name} has not been read to its end`);
    }
    return this.#digest;
  }

  async close(): Promise<void> {}

  #header(): string {
    return `${this.#contents.columns.map(csvCell).join(',')}\n`;
  }

  async #text(rowStart: number, rowEnd: number): Promise<string> {
    const { file, metadata, columns, scales } = this.#contents;
    if (rowStart === rowEnd) {
      return '';
    }
    const rows = await parquetReadObjects({
      ...{ file, metadata, rowStart, rowEnd, compressors },
      ...{ parsers: textParsers, utf8: false, geoparquet: false, useOffsetIndex: true },
    });
    return rows
      .map((row) => `${columns.map((name) => csvCell(cellOf(row[name], scales.get(name)))).join(',')}\n`)
      .join('');
  }
}

const csvCell = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** What the library cannot read is a fault of the file. */
async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof QuotaError || !(error instanceof Error)) {
      throw error;
    }
    throw badInputError(`${path}: the Parquet file cannot be read: ${error.message}`, {
      suggestion: 'download it again, or export it as CSV',
      cause: error,
    });
  }
}
