import { closeSync, openSync, readSync } from 'node:fs';

/** More than any file of settings, plans or one asset has. */
const smallFileBytesMax = 1_000_000;
const chunkBytes = 65_536;

/**
 * The text of a file that has to be small. Of what never ends, a device or a pipe, no more than that is read.
 * @throws RangeError for a larger one; what the system says where it cannot be read
 */
export function readSmallFile(path: string, bytesMax: number = smallFileBytesMax): string {
  const file = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let length = 0; ; ) {
      const chunk = Buffer.alloc(chunkBytes);
      const read = readSync(file, chunk, 0, chunkBytes, null);
      length += read;
      if (length > bytesMax) {
        throw new RangeError(`it has more than ${bytesMax} bytes`);
      }
      if (read === 0) {
        return Buffer.concat(chunks).toString('utf8');
      }
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
