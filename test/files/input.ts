import { Readable } from 'node:stream';
import { QuotaError } from '../../src/errors.ts';
import { BadLines } from '../../src/files/bad-lines.ts';
import type { Input } from '../../src/files/input.ts';
import { withInput } from '../../src/files/open-input.ts';
import type { RowBatch } from '../../src/files/row-batch.ts';

/** Opens text or bytes as if they came through stdin, in pieces of the given size. */
export async function withText<T>(
  content: string | Uint8Array,
  use: (input: Input) => Promise<T>,
  pieceBytes = Number.POSITIVE_INFINITY,
): Promise<T> {
  const bytes = Buffer.from(content as string);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    pieces.push(bytes.subarray(at, at + pieceBytes));
  }
  return withInput({ path: '-', stdin: Readable.from(pieces, { objectMode: true }) }, use);
}

/** All rows, with their line numbers and original texts. */
export async function collectRows(batches: AsyncIterable<RowBatch>) {
  const rows: string[][] = [];
  const lines: number[] = [];
  const numbers: number[] = [];
  const originals: string[] = [];
  for await (const batch of batches) {
    rows.push(...batch.rows);
    lines.push(...batch.lines);
    numbers.push(...batch.numbers);
    originals.push(...batch.rows.map((_, index) => batch.originalText(index)));
  }
  return { rows, lines, numbers, originals };
}

/** Collects rejects in skip mode. */
export function skipping() {
  const rejects: Array<{ line: number; column: number | string | null; reason: string; text: string }> = [];
  const badLines = new BadLines({
    skip: true,
    onReject: ({ line, column, reason }, text) => rejects.push({ line, column, reason, text }),
  });
  return { badLines, rejects };
}

/** The QuotaError that a promise rejects with. Any other outcome fails the test. */
export async function refusal(promise: Promise<unknown>): Promise<QuotaError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof QuotaError) {
      return error;
    }
    throw error;
  }
  throw new Error('expected a refusal');
}
