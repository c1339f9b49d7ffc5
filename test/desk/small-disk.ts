import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of so many kilobytes, in memory. */
export interface SmallDisk {
  /** Where it is. */
  readonly place: string;
  remove(): void;
}

/** @returns undefined where this account may mount none */
export function mountSmallDisk(kilobytes: number): SmallDisk | undefined {
  const place = mkdtempSync(join(tmpdir(), 'quota-test-disk-'));
  const run = (program: string, ...words: string[]) => execFileSync(program, words, { stdio: 'ignore' });
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', place);
  } catch {
    rmSync(place, { recursive: true });
    return undefined;
  }
  return {
    place,
    remove: () => {
      run('umount', '--lazy', place);
      rmSync(place, { recursive: true });
    },
  };
}
