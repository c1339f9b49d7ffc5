import { readSmallFile } from './small-file.ts';

/** Of a secret; a file that is larger is something else. */
const bytesMax = 65_536;
const noLine = 'does not hold one line of text';

/**
 * The line that a file holds, without the newline at its end, as secrets of containers are mounted; or what is wrong with
 * the file, as `is empty`, without a byte of it.
 */
export function readSecretLine(path: string): { line: string } | { fault: string } {
  let text: string;
  try {
    text = readSmallFile(path, bytesMax);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { fault: error instanceof RangeError ? noLine : `cannot be read: ${code ?? message}` };
  }
  const line = text.replace(/\r?\n$/, '');
  if (line.trim() === '') {
    return { fault: 'is empty' };
  }
  return /[\u0000\r\n\ufffd]/.test(line) ? { fault: noLine } : { line };
}
