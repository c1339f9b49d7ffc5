import { badInputError } from '../errors.ts';
import { readSmallFile } from '../small-file.ts';
import { parseHash } from '../values/option-values.ts';

/**
 * The heads that were kept: one hash, or all of a file that `--to` has written.
 * @throws usageError for what is neither; badInputError for a line that holds no head
 */
export async function readKeptHeads(text: string): Promise<string[]> {
  const content = readIfThere(text);
  if (content === undefined) {
    return [parseHash(text)];
  }
  return content
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [headOf(line, `${text}:${index + 1}`)]));
}

/** A head a night for a thousand years. */
const bytesMax = 100_000_000;

function readIfThere(path: string): string | undefined {
  try {
    return readSmallFile(path, bytesMax);
  } catch (error) {
    if (error instanceof RangeError) {
      throw badInputError(`${path} is too large for a file of heads: ${error.message}`);
    }
    return undefined;
  }
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
