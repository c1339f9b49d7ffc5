import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { Script } from 'node:vm';

/** A module of CommonJS as it was compiled, to be run as often as one likes. */
interface Compiled {
  script: Script;
  run: () => void;
}

/** Where the build keeps what Node has compiled of a file: beside the file, and so as safe as the file itself. */
export const cacheOf = (path: string): string => path.replace(/\.js$/, '.cache');

/**
 * Compiles a file, or takes what the build has compiled of it already: another version of Node refuses that by itself
 * and compiles, as if there were none. What was compiled knows no `import()`, and keeps the name that it was given: not
 * the path, which the build alone would have.
 * @param path absolute
 */
export function compile(path: string): Compiled {
  const script = new Script(asFunction(readFileSync(path, 'utf8')), {
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

/** What Node makes of a module of CommonJS; on its first line, so that places in messages are those in the file. */
const asFunction = (text: string) =>
  `(function (exports, require, module, __filename, __dirname) { ${text}\n})`;

function cachedData(path: string): { cachedData?: Buffer } {
  try {
    return { cachedData: readFileSync(cacheOf(path)) };
  } catch {
    return {};
  }
}
