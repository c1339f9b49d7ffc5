import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const root = process.cwd();
/** What a fresh clone does not have. */
const madeHere = new Set(['node_modules', 'dist', 'man', 'coverage', '.git']);

/** A copy of this checkout in a folder, as a fresh clone is; its packages are those of this checkout. */
export function cloneInto(folder: string): string {
  const clone = join(folder, "quota's clone, größer");
  cpSync(root, clone, {
    recursive: true,
    filter: (path) => {
      const [top = ''] = relative(root, path).split(sep);
      return !madeHere.has(top) && !top.startsWith('dist.');
    },
  });
  mkdirSync(join(clone, 'node_modules'));
  return clone;
}

export const linkPackage = (clone: string, name: string): void =>
  symlinkSync(join(root, 'node_modules', name), join(clone, 'node_modules', name));

/** Of the environment who one is, and the way to the registry of packages. */
const kept = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    /^(?:path|home|https?_proxy|no_proxy|node_extra_ca_certs|npm_config_(?:registry|cafile))$/i.test(name),
  ),
);
const runMsMax = 300_000;

export interface ProgramResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end with an environment of its own: nothing of `npm test` reaches an npm that it starts. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): ProgramResult {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...kept, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: runMsMax,
  });
  if (error) {
    throw error;
  }
  return { code: status, stdout, stderr };
}
