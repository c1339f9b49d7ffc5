/**
 * Bundles the CLI into dist/ with code splitting: every lazy import() becomes a chunk of its own, so a
 * command loads its own code only. Dependencies are loaded from node_modules, but for pg: one file in place of thirty
 * saves 10 ms of 200 (knex wants its own), and dayjs with its plugins: one in place of four, half the time. What is bundled altogether is a development dependency: commander, one file in
 * place of ten, 6 ms of 110; inquirer, whose own dependencies float to versions that want Node 22.
 *
 * With --if-changed only what was not built of the same sources: no test may run an old build.
 */
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { buildStart } from './build-start.mjs';
import { bundle } from './bundle.mjs';
import { mergeChunks } from './merge-chunks.mjs';
import { sourceHash } from './source-hash.mjs';
import { sqlSet } from './sql-set.mjs';

const outdir = 'dist';
const hashFile = 'sources.sha256';
const bundled = ['pg', 'dayjs'];
const { dependencies, optionalDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
const packages = Object.keys({ ...dependencies, ...optionalDependencies });

/** commander loads child_process, and with it net, for commands that are programs of their own: there are none. */
const withoutChildProcess = {
  name: 'commander-without-child-process',
  setup({ onResolve, onLoad }) {
    const filter = /^node:child_process$/;
    onResolve({ filter }, ({ path, importer }) =>
      importer.includes('commander') ? { path, namespace: 'empty' } : undefined,
    );
    onLoad({ filter, namespace: 'empty' }, () => ({ contents: 'module.exports = {}' }));
  },
};

/** Help and completion read what the commands can be given, and load none of them. */
async function writeCommands(temporary) {
  const outfile = `${temporary}/written-commands.mjs`;
  await bundle('scripts/written-commands.ts', outfile);
  const { writtenCommands } = await import(`../${outfile}`);
  await writeFile(`${temporary}/commands.json`, JSON.stringify(await writtenCommands()));
  await rm(outfile);
}

/** Into a folder beside it that then takes its place, so that whoever runs the old build meanwhile finds it whole. */
async function buildInto(temporary) {
  const options = optionsFor(temporary);
  await build(options);
  await mergeChunks(temporary);
  await buildStart(temporary, options);
  await writeCommands(temporary);
  await chmod(`${temporary}/bin/quota.js`, 0o755);
  await writeFile(`${temporary}/${hashFile}`, hash);
  await rm(outdir, { recursive: true, force: true });
  await rename(temporary, outdir);
}

const optionsFor = (outdir) => ({
  entryPoints: { 'bin/quota': 'bin/quota.ts' },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: [
    ...packages.filter((name) => !bundled.includes(name)).flatMap((name) => [name, `${name}/*`]),
    // pg asks for them at Cloudflare and where pg.native is used: an installation need not have them.
    'pg-cloudflare',
    'pg-native',
  ],
  // pg asks whether it runs at Cloudflare; without a navigator (Node 20) it makes a Response to find out, which
  // loads all of undici: 16 ms.
  define: { navigator: '{"userAgent":"Node.js"}' },
  // They are CommonJS and ask for node's own modules with require.
  banner: {
    js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);",
  },
  plugins: [withoutChildProcess, sqlSet],
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: 'linked',
  logLevel: 'warning',
});

const hash = sourceHash('.');
const isBuilt = (await readFile(`${outdir}/${hashFile}`, 'utf8').catch(() => '')) === hash;
if (!isBuilt || !process.argv.includes('--if-changed')) {
  await buildInto(`${outdir}.${process.pid}`);
}
