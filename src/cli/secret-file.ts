import { resolve } from 'node:path';
import { readSecretLine } from '../secret-line.ts';

/** The value in the file that `NAME_FILE` names. What is wrong is added to the problems, without a byte of the file. */
export function readSecretFile(
  path: string,
  source: string,
  cwd: string,
  problems: string[],
): string | undefined {
  const read = readSecretLine(resolve(cwd, path));
  if ('line' in read) {
    return read.line;
  }
  problems.push(`the file of ${source} ${read.fault}`);
  return undefined;
}
