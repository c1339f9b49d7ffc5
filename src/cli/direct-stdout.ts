import { fstatSync, writeSync } from 'node:fs';
import type { ResultStream } from './process-like.ts';

/**
 * The stdout of a process, which opens no stream where it is a file or a pipe: that takes Node some milliseconds, which
 * help and completion have no other use for. What cannot be written at once - nobody reads any more, the disk is full, a pipe
 * that is not waited for has no room - is left to the stream, which tells it as ever.
 */
export const directStdout = (process: NodeJS.Process): ResultStream =>
  isFileOrPipe(1) ? directStream(1, () => process.stdout) : process.stdout;

function isFileOrPipe(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isFile() || stats.isSocket();
  } catch {
    return false; // closed
  }
}

function directStream(fd: number, open: () => ResultStream): ResultStream {
  const listeners: ((error: Error) => void)[] = [];
  let stream: ResultStream | undefined;
  return {
    on(event, listener) {
      listeners.push(listener);
      return stream?.on(event, listener);
    },
    write(text, done) {
      const rest = stream === undefined ? unwritten(fd, Buffer.from(text)) : text;
      if (rest.length === 0) {
        done?.();
        return true;
      }
      if (stream === undefined) {
        stream = open();
        for (const listener of listeners) {
          stream.on('error', listener);
        }
      }
      return stream.write(rest, done);
    },
  };
}

/** What is left of bytes once no more can be written at once: nothing, as a rule. */
function unwritten(fd: number, bytes: Buffer): Buffer {
  let rest = bytes;
  try {
    while (rest.length > 0) {
      rest = rest.subarray(writeSync(fd, rest));
    }
  } catch {
    // The stream that gets the rest meets the same, and tells it.
  }
  return rest;
}
