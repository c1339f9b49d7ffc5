import { brotliCompressSync, gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';

type Column = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['columnData']>[number];
type Element = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>[number];

/** Digits after the point of decimals. */
const scale = 18;

/**
 * A table as the clouds write it: decimals of 38 digits, instants in microseconds, texts, and no value where a cell is
 * empty or `NULL`.
 */
export function writeParquet(
  names: readonly string[],
  rows: readonly string[][],
  {
    decimals,
    instants,
    codec,
  }: { decimals: RegExp; instants: RegExp; codec: 'SNAPPY' | 'GZIP' | 'BROTLI' | 'UNCOMPRESSED' },
): Buffer {
  const schema: Element[] = [
    { name: 'root', num_children: names.length },
    ...names.map((name): Element => {
      if (decimals.test(name)) {
        const logical = { type: 'DECIMAL', precision: 38, scale } as const;
        return {
          ...{ name, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, repetition_type: 'OPTIONAL' },
          ...{ converted_type: 'DECIMAL', precision: 38, scale, logical_type: logical },
        };
      }
      return instants.test(name)
        ? { name, type: 'INT64', repetition_type: 'OPTIONAL', converted_type: 'TIMESTAMP_MICROS' }
        : { name, type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', converted_type: 'UTF8' };
    }),
  ];
  const parquetValue = (name: string, cell: string) => {
    if (cell === '' || cell === 'NULL') {
      return undefined;
    }
    if (decimals.test(name)) {
      const [whole = '', fraction = ''] = cell.split('.');
      return BigInt(whole + fraction.padEnd(scale, '0'));
    }
    return instants.test(name) ? BigInt(Date.parse(cell)) * 1000n : cell;
  };
  const columnData: Column[] = names.map((name, at) => ({
    name,
    data: rows.map((row) => parquetValue(name, row[at] ?? '')),
  }));
  const compressors = {
    GZIP: (bytes: Uint8Array) => gzipSync(bytes),
    BROTLI: (bytes: Uint8Array) => brotliCompressSync(bytes),
  };
  return Buffer.from(parquetWriteBuffer({ columnData, schema, codec, compressors, rowGroupSize: 1000 }));
}
