/**
 * Bundles the CLI into dist/bin, as CommonJS: quota.js, which is run and takes one of two files that were compiled here, answer.js
 * for help and completion or program.js for everything else (`bin/pack.ts` says how they are read). program.js has what every
 * command with a database asks for and what operators ask most, as chunks that esbuild has split where something is loaded lazily; all
 * other chunks are files of their own (dist/bin/chunks), read when they are wanted. Dependencies are loaded from node_modules, but for
 * pg: one file in place of thirty saves 10 ms of 200 (knex wants its own); dayjs with its plugins: one in place of four, half the time;
 * what every start asks for; and those that are ES modules alone. What is bundled altogether is a development dependency: commander, one
 * file in place of ten, 6 ms of 110; inquirer, whose own dependencies float to versions that want Node 22.
 *
 * With --if-changed only what was not built of the same sources: no test may run an old build.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build, transform } from 'esbuild';
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

/** What is read by each start: what these load at once, beside `bin/run.ts`. Each kilobyte more costs all commands 10 µs. */
const everyday = [
  'src/cli/prepare-command.ts',
  'src/commands/user/group.ts',
  'src/commands/user/show.ts',
  'src/db/connection.ts',
];

const common = {
  bundle: true,
  platform: 'node',
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
  logLevel: 'warning',
};

const asCommonJs = {
  format: 'cjs',
  target: common.target,
  // The text of a file that is loaded whole is a burden to each start: without comments and indentation it is a third less.
  minifyWhitespace: true,
  lineLimit: 120,
  // What was compiled beforehand cannot import: a lazy import of a dependency becomes a lazy require.
  supported: { 'dynamic-import': false },
};

/** For sh a command that does nothing and the next, for Node a text and a comment. What follows `--` is no option of Node. */
const handOver = `':' //; exec node -- "$0" "$@"`;

async function buildPrograms(temporary) {
  const bin = (name) => `${temporary}/bin/${name}`;
  await mkdir(bin('chunks'), { recursive: true });
  await buildProgram(bin);
  await buildAnswer(bin);
  await build({
    ...common,
    ...asCommonJs,
    entryPoints: ['bin/start.ts'],
    outfile: bin('quota.js'),
    banner: { js: handOver },
  });
  await writeFile(bin('package.json'), '{"type":"commonjs"}\n');
  await chmod(bin('quota.js'), 0o755);
}

/** All commands, in chunks: what is asked for every day in one file, each other in its own. */
async function buildProgram(bin) {
  const {
    outputFiles,
    metafile: { outputs },
  } = await build({
    ...common,
    format: 'esm',
    splitting: true,
    entryPoints: { main: 'bin/run.ts' },
    outdir: '.',
    write: false,
    metafile: true,
    plugins: [withoutChildProcess, sqlSet],
  });
  const taken = new Set();
  const take = (path) => {
    if (path in outputs && !taken.has(path)) {
      taken.add(path);
      for (const { kind, path: imported } of outputs[path].imports) {
        if (kind === 'import-statement') {
          take(imported);
        }
      }
    }
  };
  const loadedFrom = new Map(Object.entries(outputs).map(([path, { entryPoint }]) => [entryPoint, path]));
  for (const source of ['bin/run.ts', ...everyday]) {
    take(loadedFrom.get(source) ?? fail(`nothing loads ${source} by itself`));
  }
  const pack = [];
  for (const { path, text } of outputFiles) {
    const name = basename(path);
    // Imported as a default, a chunk is to CommonJS the whole of it.
    if (outputs[name].exports.join() === 'default') {
      fail(`${outputs[name].entryPoint} is loaded lazily and has a default export alone: it needs a name`);
    }
    const chunk = await chunkOf(text, name);
    if (taken.has(name)) {
      pack.push([name, chunk]);
    } else {
      await writeAsAscii(bin(`chunks/${name}`), `(${chunk})`);
    }
  }
  await writePack(bin('program.js'), pack);
}

/** Help and completion, without commands; what completion asks the database is a chunk of its own, loaded for that alone. */
async function buildAnswer(bin) {
  const textOf = async (entryPoint, ...plugins) => {
    const { outputFiles } = await build({
      ...common,
      ...asCommonJs,
      entryPoints: [entryPoint],
      write: false,
      plugins: [withoutChildProcess, sqlSet, ...plugins],
    });
    return asFunction(outputFiles[0].text);
  };
  await writePack(bin('answer.js'), [['main.js', await textOf('bin/answer.ts', withoutCommands)]]);
  await writeAsAscii(bin('chunks/names.js'), `(${await textOf('src/cli/completion/read-names.ts')})`);
}

/** esbuild splits ES modules alone; each chunk is made one of CommonJS by itself. */
async function chunkOf(text, name) {
  const { code } = await transform(text, { ...asCommonJs, sourcefile: name.replace(/js$/, 'mjs') });
  return asFunction(code);
}

/** As `bin/pack.ts` calls it. */
const asFunction = (code) => `function (exports, require, module, bundleUrl) {\n${code}}`;

const writePack = (path, chunks) =>
  writeAsAscii(path, `({\n${chunks.map(([name, chunk]) => `"./${name}": ${chunk}`).join(',\n')}\n})`);

/** esbuild leaves letters beyond ASCII in comments and regular expressions; everywhere they can stand as an escape. */
async function writeAsAscii(path, text) {
  const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  await writeFile(path, text.replace(/[^\0-\x7f]/g, escaped));
}

function fail(why) {
  throw new Error(why);
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
