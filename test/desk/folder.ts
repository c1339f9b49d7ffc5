import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder of a test's own. */
export class Folder {
  /** Where it is. */
  readonly place = mkdtempSync(join(tmpdir(), 'quota-test-'));

  path(name: string): string {
    return join(this.place, name);
  }

  /** Writes a file, of text, bytes or lines; its path. */
  write(name: string, content: string | Uint8Array | readonly string[]): string {
    const isLines = Array.isArray(content);
    writeFileSync(this.path(name), isLines ? `${content.join('\n')}\n` : (content as string | Uint8Array));
    return this.path(name);
  }

  remove(): void {
    rmSync(this.place, { recursive: true, force: true });
  }
}

/** A folder for the tests of a file, there from its beginning. */
export function useFolder(): Folder {
  const folder = new Folder();
  afterAll(() => folder.remove());
  return folder;
}
