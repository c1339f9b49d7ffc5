import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { Script } from 'node:vm';

/** A module of CommonJS as it was compiled, to be run as often as one likes. */
interface Compiled {
  script: Script;
  run: () => void;
}

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
 * Compiles a file, or takes what the build has compiled of it already. What was compiled knows no `import()`, and keeps
 * the name that it was given: not the path, which the build alone would have. The file is ASCII and a function as it
 * stands: read at once, as bytes that are the text. Node 20 reads UTF-8 by eight kilobytes, and a single letter beyond
 * Latin-1 doubles the text.
 * @param path absolute
 */
export function compile(path: string): Compiled {
  const script = new Script(readFileSync(path, 'latin1'), {
    filename: basename(path),
    ...cachedData(path),
  });
  return {
    script,
    run: () => {
      const module = { exports: {} };
      script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
    },
  };
}

function cachedData(path: string): { cachedData?: Buffer } {
  try {
    return { cachedData: readFileSync(cacheOf(path)) };
  } catch {
    return {};
  }
}
