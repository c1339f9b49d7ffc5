import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

let count = 0;
const folder = mkdtempSync(join(tmpdir(), 'quota-test-plans-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file of plans; returns its path. */
export function planFile(text: string, ending = 'yaml'): string {
  count += 1;
  const path = join(folder, `plans-${count}.${ending}`);
  writeFileSync(path, text);
  return path;
}
