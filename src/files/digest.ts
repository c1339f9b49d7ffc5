import { createHash } from 'node:crypto';
import type { InputDigest, InputSource } from './input.ts';
import { nameOf, openBytes, readFault } from './open-bytes.ts';

/**
 * The digest of a source, which is read to its end; what passes by can be kept.
 * @throws badInputError if there is no such file, or it may not be read
 */
export async function digestOf(
  source: InputSource,
  keep: (chunk: Uint8Array) => Promise<void> = async () => {},
): Promise<InputDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  const chunks = openBytes(source)[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch((error: unknown) => {
      throw readFault(nameOf(source), error);
    });
    if (next.done) {
      return { sha256: hash.digest('hex'), bytes };
    }
    hash.update(next.value);
    bytes += next.value.length;
    await keep(next.value);
  }
}

/** Of one file its own digest; of several that of their digests, whatever the names and the order of the files. */
export function digestOfAll(digests: readonly InputDigest[]): InputDigest {
  const [only, ...others] = digests;
  if (only !== undefined && others.length === 0) {
    return only;
  }
  const hash = createHash('sha256');
  for (const sha256 of digests.map((digest) => digest.sha256).sort()) {
    hash.update(`${sha256}\n`);
  }
  return { sha256: hash.digest('hex'), bytes: digests.reduce((sum, { bytes }) => sum + bytes, 0) };
}
