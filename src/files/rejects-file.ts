import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { BadLine, BadLinesOptions } from './bad-lines.ts';
import { cannotWrite, exclusive, privateMode } from './write-file.ts';

const bufferLengthMax = 64 * 1024;

export interface RejectsFile {
  /** For `BadLines`. */
  onReject: NonNullable<BadLinesOptions['onReject']>;
  /** Writes what is left; the file exists only if a line was rejected. */
  close(): void;
  /** Takes the file away again: what was read is not kept. */
  discard(): void;
}

/**
 * Writes rejected lines to a new file as NDJSON: `{"file","line","column","reason","suggestion","amount","text"}`, where
 * `text` is the original, so that `jq -r .text` gives back what has to be mended. Synchronous on purpose: rejects are few,
 * and a million of them must not pile up in memory.
 * @throws (its functions) refusedError when there is something of that name, usageError and tryAgainError when it
 * cannot be written
 */
export function openRejectsFile(path: string): RejectsFile {
  let descriptor: number | null = null;
  let buffer = '';
  const flush = () => {
    try {
      descriptor ??= openSync(path, exclusive, privateMode);
      writeSync(descriptor, buffer);
    } catch (error) {
      throw cannotWrite(path, error);
    }
    buffer = '';
  };
  const end = () => {
    const isOpen = descriptor !== null;
    if (descriptor !== null) {
      closeSync(descriptor);
      descriptor = null;
    }
    return isOpen;
  };
  return {
    onReject: ({ file, line, column, reason, suggestion, amount = null }: BadLine, text) => {
      buffer += `${JSON.stringify({ file, line, column, reason, suggestion, amount, text })}\n`;
      if (descriptor === null || buffer.length > bufferLengthMax) {
        flush(); // The first at once: that there can be no such file is known before anything is loaded.
      }
    },
    close: () => {
      if (buffer !== '') {
        flush();
      }
      end();
    },
    discard: () => {
      buffer = '';
      if (end()) {
        rmSync(path, { force: true });
      }
    },
  };
}
