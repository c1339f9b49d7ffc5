/**
 * Makes of what esbuild has split the program as it is run: bin/quota.js and bin/answer.js, which are CommonJS, and
 * bin/program.mjs, what was bin/quota.js.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Loaded when a command runs, or an output is asked for that answers are not in. */
const needed = /\/(?:jq|template|db)\b|^[^.]/;

/** Commands, and what only they need, are not in the answers: whoever gets there anyway is told so. */
const withoutCommands = {
  name: 'without-commands',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ kind, path, importer }) => {
      const isOwn = /\/src\/cli\//.test(importer) && !needed.test(path);
      const isLazy = kind === 'dynamic-import' && !path.startsWith('node:');
      return isLazy && !isOwn && !path.endsWith('/group.ts') ? { path, namespace: 'command' } : undefined;
    });
    onLoad({ filter: /./, namespace: 'command' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is no part of the answers`)})`,
    }));
  },
};

/**
 * @param {string} outdir what esbuild has made
 * @param {import('esbuild').BuildOptions} options those of the program
 */
export async function buildStart(outdir, { define, plugins, target }) {
  const bin = (name) => join(outdir, 'bin', name);
  await rename(bin('quota.js'), bin('program.mjs'));
  await rename(bin('quota.js.map'), bin('program.mjs.map'));
  const program = await readFile(bin('program.mjs'), 'utf8');
  await writeFile(
    bin('program.mjs'),
    program.replace('sourceMappingURL=quota.js.map', 'sourceMappingURL=program.mjs.map'),
  );
  const common = { bundle: true, platform: 'node', format: 'cjs', target, logLevel: 'warning' };
  await build({
    ...common,
    entryPoints: ['bin/start.ts'],
    outfile: bin('quota.js'),
  });
  await build({
    ...common,
    entryPoints: ['bin/answer.ts'],
    outfile: bin('answer.js'),
    define: { ...define, 'import.meta.url': 'answerUrl' },
    banner: { js: "const answerUrl=require('node:url').pathToFileURL(__filename).href;" },
    plugins: [...plugins, withoutCommands],
    minifySyntax: true,
    minifyWhitespace: true,
  });
  await writeFile(bin('package.json'), '{"type":"commonjs"}\n');
}
