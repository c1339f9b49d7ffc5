/**
 * Bundles the CLI into dist/bin, as CommonJS: quota.js, which is run and loads one of two files that were compiled here,
 * answer.js for help and completion (names.js, where that asks the database) or program.js for everything else. In
 * program.js every lazy import() stays lazy, so a command runs its own code only; what is large and seldom wanted is in
 * files of its own beside it, which are not even read. Dependencies are loaded from node_modules, but for pg: one file in place of thirty
 * saves 10 ms of 200 (knex wants its own); dayjs with its plugins: one in place of four, half the time; what every start asks
 * for; and those that are ES modules alone. What is bundled altogether is a development dependency: commander, one file in place of ten,
 * 6 ms of 110; inquirer, whose own dependencies float to versions that want Node 22.
 *
 * With --if-changed only what was not built of the same sources: no test may run an old build.
 */
import { execFile } from 'node:child_process';
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundle } from './bundle.mjs';
import { sourceHash } from './source-hash.mjs';
import { sqlSet } from './sql-set.mjs';
import { withoutCommands } from './without-commands.mjs';

const outdir = 'dist';
const hashFile = 'sources.sha256';
const bundled = ['pg', 'dayjs', 'fastest-levenshtein', 'chalk', 'hyparquet', 'p-queue'];
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

/** What is large and asked for by few commands: program.js is read whole by each start, and half of it would be this. */
const seldom = {
  'virtual:sql/core': 'core.js',
  'virtual:sql/migrations': 'migrations.js',
  inquirer: 'inquirer.js',
  handlebars: 'handlebars.js',
  hyparquet: 'hyparquet.js',
};
const apart = {
  name: 'files-of-their-own',
  setup({ onResolve }) {
    const filter = new RegExp(`^(${Object.keys(seldom).join('|')})$`);
    onResolve({ filter }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: `./${seldom[path]}`, external: true },
    );
  },
};

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  external: [
    ...packages.filter((name) => !bundled.includes(name)).flatMap((name) => [name, `${name}/*`]),
    // pg asks for them at Cloudflare and where pg.native is used: an installation need not have them.
    'pg-cloudflare',
    'pg-native',
  ],
  define: {
    // pg asks whether it runs at Cloudflare; without a navigator (Node 20) it makes a Response to find out, which
    // loads all of undici: 16 ms.
    navigator: '{"userAgent":"Node.js"}',
    'import.meta.url': 'bundleUrl',
  },
  // The text of a file that is loaded whole is a burden to each start: without comments and indentation it is a third less.
  minifyWhitespace: true,
  lineLimit: 120,
  // What was compiled beforehand cannot import: a lazy import of a dependency becomes a lazy require.
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
};

const url = "const bundleUrl=require('node:url').pathToFileURL(__filename).href;";
/** What Node makes of a module of CommonJS: `bin/compiled.ts` takes the files as they are. */
const asFunction = {
  banner: { js: `(function (exports, require, module, __filename, __dirname) {${url}` },
  footer: { js: '})' },
};

/** Whoever imports the default of a module of CommonJS gets the whole of it. */
const alone = {
  banner: { js: url },
  footer: { js: 'module.exports=module.exports.default??module.exports' },
};

/** For sh a command that does nothing and the next, for Node a text and a comment. What follows `--` is no option of Node. */
const handOver = `':' //; exec node -- "$0" "$@"`;

async function buildPrograms(temporary) {
  const bin = (name) => `${temporary}/bin/${name}`;
  const plugins = [withoutChildProcess, sqlSet];
  const program = { ...common, ...asFunction };
  await build({
    ...program,
    entryPoints: ['bin/run.ts'],
    outfile: bin('program.js'),
    plugins: [apart, ...plugins],
  });
  await Promise.all(
    Object.entries(seldom).map(([name, file]) =>
      build({ ...common, ...alone, entryPoints: [name], outfile: bin(file), plugins }),
    ),
  );
  await build({
    ...program,
    entryPoints: ['bin/answer.ts'],
    outfile: bin('answer.js'),
    plugins: [...plugins, withoutCommands],
  });
  await Promise.all(['program.js', 'answer.js'].map((name) => writeAsAscii(bin(name))));
  const names = ['src/cli/completion/read-names.ts'];
  await build({ ...common, banner: { js: url }, entryPoints: names, outfile: bin('names.js'), plugins });
  await build({
    ...common,
    entryPoints: ['bin/start.ts'],
    outfile: bin('quota.js'),
    banner: { js: handOver },
  });
  await writeFile(bin('package.json'), '{"type":"commonjs"}\n');
  await chmod(bin('quota.js'), 0o755);
}

/** esbuild leaves letters beyond ASCII in comments and regular expressions; everywhere they can stand as an escape. */
async function writeAsAscii(path) {
  const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/[^\0-\x7f]/g, escaped));
}

/** Help and completion read what the commands can be given, and load none of them. */
async function writeCommands(temporary) {
  const outfile = `${temporary}/written-commands.mjs`;
  await bundle('scripts/written-commands.ts', outfile);
  const { writtenCommands } = await import(`../${outfile}`);
  await writeFile(`${temporary}/commands.json`, JSON.stringify(await writtenCommands()));
  await rm(outfile);
}

/** What Node compiles of both is kept, each made in a process of its own that is started as the program is. */
async function writeCaches(temporary) {
  const outfile = `${temporary}/write-cache.mjs`;
  await bundle('scripts/write-cache.ts', outfile);
  const { NODE_OPTIONS: _, ...env } = process.env;
  await Promise.all(
    ['answer', 'program'].map((name) =>
      promisify(execFile)(process.execPath, [outfile, resolve(temporary, `bin/${name}.js`)], { env }),
    ),
  );
  await rm(outfile);
}

/** Into a folder beside it that then takes its place, so that whoever runs the old build meanwhile finds it whole. */
async function buildInto(temporary) {
  await buildPrograms(temporary);
  await writeCommands(temporary);
  await writeCaches(temporary);
  await writeFile(`${temporary}/${hashFile}`, hash);
  await rm(outdir, { recursive: true, force: true });
  await rename(temporary, outdir);
}

const hash = sourceHash('.');
const isBuilt = (await readFile(`${outdir}/${hashFile}`, 'utf8').catch(() => '')) === hash;
if (!isBuilt || !process.argv.includes('--if-changed')) {
  const temporary = `${outdir}.${process.pid}`;
  try {
    await buildInto(temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
