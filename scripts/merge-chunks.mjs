/**
 * Makes one file of the chunks that every start loads. Bundling with splitting makes a chunk for each set of lazy parts
 * that share a module: a dozen small files, each of which costs a start a fifth of a millisecond and more.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';

const mergedName = 'start.js';
const staticImport = /^import(?:\s*(\{[^}]*\})\s*from)?\s*"([^"]+\.js)";$/gm;

/** @param {string} outdir what esbuild has made: bin/quota.js and chunks/ */
export async function mergeChunks(outdir) {
  const chunks = join(outdir, 'chunks');
  const entry = join(outdir, 'bin', 'quota.js');
  const merged = [...(await importedBy(entry))].map((path) => basename(path));
  const names = new Map(
    await Promise.all(merged.map(async (name) => [name, await exportsOf(join(chunks, name))])),
  );
  await build({
    stdin: { contents: merged.map((name) => reexport(name, names.get(name))).join('\n'), resolveDir: chunks },
    outfile: join(chunks, mergedName),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    plugins: [staticOnly],
    sourcemap: 'linked',
    logLevel: 'warning',
  });
  const others = (await readdir(chunks)).filter((name) => name.endsWith('.js') && name !== mergedName);
  for (const path of [
    entry,
    ...others.filter((name) => !names.has(name)).map((name) => join(chunks, name)),
  ]) {
    await writeFile(path, redirected(await readFile(path, 'utf8'), names));
  }
  await Promise.all(merged.flatMap((name) => ['', '.map'].map((end) => rm(join(chunks, name + end)))));
}

/** What a file loads before its first lazy import. */
async function importedBy(path, seen = new Set()) {
  for (const [, , specifier] of (await readFile(path, 'utf8')).matchAll(staticImport)) {
    const target = join(dirname(path), specifier);
    if (!seen.has(target)) {
      seen.add(target);
      await importedBy(target, seen);
    }
  }
  return seen;
}

async function exportsOf(path) {
  const [, list = ''] = /^export \{([^}]*)\};$/m.exec(await readFile(path, 'utf8')) ?? [];
  return list.split(',').flatMap((name) => name.trim().split(' as ').at(-1) || []);
}

/** The same name can stand in two chunks. */
const unique = (chunk, name) => `${name}_${/-(\w+)\.js$/.exec(chunk)[1]}`;

const reexport = (chunk, names) =>
  `export { ${names.map((name) => `${name} as ${unique(chunk, name)}`).join(', ')} } from './${chunk}';`;

/** Lazy parts stay where they are. */
const staticOnly = {
  name: 'static-only',
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

/** Line by line as it was, so that source maps stay true. */
const redirected = (text, names) =>
  text.replace(staticImport, (statement, list, specifier) => {
    const chunk = basename(specifier);
    if (!names.has(chunk)) {
      return statement;
    }
    const specifiers = (list ?? '').replace(
      /(\w+)(?: as (\w+))?(?=\s*[,}])/g,
      (_, name, alias = name) => `${unique(chunk, name)} as ${alias}`,
    );
    const from = `"${specifier.replace(chunk, mergedName)}"`;
    return list === undefined ? `import ${from};` : `import ${specifiers} from ${from};`;
  });
