import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

/** A module of CommonJS, of one or more sources, that knows the packages of the tool and other chunks by `./name.js`. */
type Chunk = (
  exports: object,
  require: (id: string) => unknown,
  module: { exports: object },
  bundleUrl: string,
) => void;

/**
 * Where the build keeps what Node has compiled of a file: beside the file, and so as safe as the file itself. For the very
 * program that compiled it, told by its version and its size: V8 looks at its own version only, which 20.19.0 and
 * 20.20.2 share, and the one crashes on what the other has compiled.
 */
export function cacheOf(path: string): string {
  const { version, platform, arch, execPath } = process;
  return path.replace(/\.js$/, `-${version}-${platform}-${arch}-${statSync(execPath).size}.cache`);
}

/**
 * Compiles a file, which is one expression. What was compiled knows no `import()`, and keeps the name that it was given: not the
 * path, which the build alone would have. The file is ASCII: read at once, as bytes that are the text. Node 20 reads UTF-8 by
 * eight kilobytes, and a single letter beyond Latin-1 doubles the text.
 * @param path absolute
 */
function compile(path: string, cachedData?: Buffer): Script {
  return new Script(readFileSync(path, 'latin1'), {
    filename: basename(path),
    ...(cachedData !== undefined && { cachedData }),
  });
}

/** The chunks that a start asks for, in one file: what the build has compiled of it is taken, where it was of this Node. */
export function compilePack(path: string): Script {
  let cachedData: Buffer | undefined;
  try {
    cachedData = readFileSync(cacheOf(path));
  } catch {
    // Another Node than the one that built it.
  }
  return compile(path, cachedData);
}

/**
 * What runs a chunk of a pack, `./main.js` first of all, and gives what it exports. What is not in the pack is read from the folder
 * `chunks` beside it when it is wanted.
 * @param path of the pack, absolute
 */
export function loaderOf(path: string, script: Script): (id: string) => unknown {
  const chunks: Record<string, Chunk> = script.runInThisContext();
  const loaded = new Map<string, { exports: object }>();
  const requirePackage = createRequire(path);
  const folder = join(dirname(path), 'chunks');
  const bundleUrl = pathToFileURL(path).href;
  const load = (id: string): unknown => {
    if (!id.startsWith('./')) {
      return requirePackage(id);
    }
    const known = loaded.get(id);
    if (known !== undefined) {
      return known.exports;
    }
    const module = { exports: {} };
    loaded.set(id, module);
    const chunk: Chunk = chunks[id] ?? compile(join(folder, id)).runInThisContext();
    chunk(module.exports, load, module, bundleUrl);
    return module.exports;
  };
  return load;
}
