import { resolve } from 'node:path';
import { readSmallFile } from '../small-file.ts';

/** Of a secret; a file that is larger is something else. */
const bytesMax = 65_536;

/**
 * The value in the file that `NAME_FILE` names, without the newline at its end, as secrets of containers are mounted.
 * What is wrong is added to the problems, without a byte of the file.
 */
export function readSecretFile(
  path: string,
  source: string,
  cwd: string,
  problems: string[],
): string | undefined {
  let text: string;
  try {
    text = readSmallFile(resolve(cwd, path), bytesMax);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    problems.push(
      error instanceof RangeError
        ? `the file of ${source} does not hold one line of text`
        : `the file of ${source} cannot be read: ${code ?? message}`,
    );
    return undefined;
  }
  const value = text.replace(/\r?\n$/, '');
  if (value.trim() === '') {
    problems.push(`the file of ${source} is empty`);
  } else if (/[\u0000\r\n\ufffd]/.test(value)) {
    problems.push(`the file of ${source} does not hold one line of text`);
  } else {
    return value;
  }
  return undefined;
}
