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

/** Deeper than anything that people or providers write. */
const nestingMax = 100;

/** Whether a value of JSON is nested so deeply that whoever walks it may run out of stack. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > nestingMax) {
      return true;
    }
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}

/** The same of a text of YAML or JSON, before it is read: its readers take minutes over what is deep, or run out of stack. */
export function isTooDeepText(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === '[' || char === '{') {
      depth += 1;
      if (depth > nestingMax) {
        return true;
      }
    } else if (char === ']' || char === '}') {
      depth = Math.max(0, depth - 1);
    }
  }
  return /(?:[-?:][ \t]+){101}/.test(text);
}
