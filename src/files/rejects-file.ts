import { closeSync, openSync, writeSync } from 'node:fs';
import type { BadLine, BadLinesOptions } from './bad-lines.ts';

const bufferLengthMax = 64 * 1024;

export interface RejectsFile {
  /** For `BadLines`. */
  onReject: NonNullable<BadLinesOptions['onReject']>;
  /** Writes what is left; the file exists only if a line was rejected. */
  close(): void;
}

/**
 * Writes rejected lines as NDJSON: `{"file","line","column","reason","suggestion","text"}`, where `text` is the
 * original, so that `jq -r .text` gives back what has to be mended. Synchronous on purpose: rejects are few,
 * and a million of them must not pile up in memory.
 */
export function openRejectsFile(path: string): RejectsFile {
  let descriptor: number | null = null;
  let buffer = '';
  const flush = () => {
    descriptor ??= openSync(path, 'w');
    writeSync(descriptor, buffer);
    buffer = '';
  };
  return {
    onReject: ({ file, line, column, reason, suggestion }: BadLine, text) => {
      buffer += `${JSON.stringify({ file, line, column, reason, suggestion, text })}\n`;
      if (buffer.length > bufferLengthMax) {
        flush();
      }
    },
    close: () => {
      if (buffer !== '') {
        flush();
      }
      if (descriptor !== null) {
        closeSync(descriptor);
      }
      descriptor = null;
    },
  };
}
