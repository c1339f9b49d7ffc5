import { readFile } from 'node:fs/promises';
import { badInputError } from '../errors.ts';
import { parseHash } from '../values/option-values.ts';

/**
 * The heads that were kept: one hash, or all of a file that `--to` has written.
 * @throws usageError for what is neither; badInputError for a line that holds no head
 */
export async function readKeptHeads(text: string): Promise<string[]> {
  const content = await readFile(text, 'utf8').catch(() => undefined);
  if (content === undefined) {
    return [parseHash(text)];
  }
  return content
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [headOf(line, `${text}:${index + 1}`)]));
}

function headOf(line: string, place: string): string {
  const hash = /^[0-9a-f]{64}$/i.test(line.trim())
    ? line.trim()
    : /"hash"\s*:\s*"([0-9a-f]{64})"/i.exec(line)?.[1];
  if (hash === undefined) {
    throw badInputError(`${place} holds no head of a seal`, {
      suggestion: 'give the file as quota audit verify --seal --to FILE has written it, or one hash',
    });
  }
  return hash.toLowerCase();
}
