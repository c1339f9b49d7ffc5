import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cacheOf, compilePack, loaderOf } from '../../bin/pack.ts';
import { writtenCommands } from '../../scripts/written-commands.ts';
import { runBin, runCli } from '../run-cli.ts';

/** What the build has written down, and what the sources say. */
const written = JSON.parse(readFileSync('dist/commands.json', 'utf8'));
const declared = JSON.parse(JSON.stringify(await writtenCommands()));

test('the build has written down every command as it is declared', () => {
  expect(Object.keys(written).length).toBeGreaterThan(60);
  expect(written).toEqual(declared);
});

test.each([
  'user grant --help',
  'help reconcile run',
  'reconcile --help',
  'jobs --help',
  'jobs run purge -h',
  'completion --help',
  'help cron',
  'help environment',
  'help exit-codes',
  'help roles',
  'help usre',
  'completion zsh',
  "complete -- user list --state ''",
  'complete -- reconcile --mon',
  'complete -- jobs run reset-months --max',
  'user show --help --no-such-option',
  'user grant --no-such-option',
  'help user show --no-such-option',
])('the built quota %s says the same as the sources', async (line) => {
  const words = line.split(' ').map((word) => (word === "''" ? '' : word));
  const [bin, sources] = [await runBin(words), await runCli(words)];
  expect(bin).toEqual(sources);
  expect(bin.stdout + bin.stderr).not.toBe('');
});

test('what stands where help could stand is a value all the same', async () => {
  const { code, stderr } = await runBin([
    'user',
    'show',
    'help',
    '--database-url',
    'postgres://q@127.0.0.1:1/q',
  ]);
  expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining('127.0.0.1:1') });
  const reset = ['user', 'reset', 'ada', '--reason', '--help', '--yes', '--limit', '5'];
  expect(await runBin(reset)).toMatchObject({ code: 2, stderr: expect.stringContaining("option '--limit'") });
  const wrong = ['user', 'grant', 'ada', 'messages', 'many', '--reason', '-h', '--yes'];
  expect(await runBin(wrong)).toMatchObject({ code: 2, stderr: expect.stringContaining('"many"') });
});

interface Loaded {
  /** The names of files that Node has loaded, without what the build adds to tell them apart. */
  files: string[];
  /** The chunks of the first file that have run. */
  chunks: string[];
}

/** `show.js` of `show-XYZ.js`; what several of them share has no name of its own. */
const nameOf = (file: string) => file.replace(/-[A-Z0-9]{8}\.js$/, '.js');

/** What the built bin loads for a command line. */
async function loadedFor(words: readonly string[]): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-loaded-'));
  try {
    await runBin(words, { env: { NODE_V8_COVERAGE: folder } });
    const scripts: Script[] = readdirSync(folder)
      .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).result)
      .filter(({ url }: Script) => !url.startsWith('node:'));
    const ran = scripts.flatMap(({ functions }) =>
      functions.filter(({ ranges: [whole] }) => whole !== undefined && whole.count > 0),
    );
    return {
      files: scripts.map(({ url }) => nameOf(basename(url))).sort(),
      chunks: ran
        .map(({ functionName }) => functionName)
        .filter((name) => name.startsWith('./'))
        .map((name) => nameOf(basename(name))),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As V8 writes its coverage. */
interface Script {
  url: string;
  functions: { functionName: string; ranges: { count: number }[] }[];
}

test.each([
  '--help',
  'user --help',
  'user show -h',
  'help reconcile run',
  'jobs run purge --help',
  'complete -- jobs run reset-months --max',
])('quota %s loads what answers, and no command', async (line) => {
  expect((await loadedFor(line.split(' '))).files).toEqual(['answer.js', 'quota.js']);
});

test('the file that is run can be run by itself', () => {
  const { status, stdout } = spawnSync(resolve('dist/bin/quota.js'), ['help', 'user'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('Usage: quota user') });
});

test('the version is told by the first file', async () => {
  expect((await loadedFor(['--version'])).files).toEqual(['quota.js']);
});

test('help for what could be a value is left to the program', async () => {
  const { files } = await loadedFor(['user', 'reset', 'ada', '--reason', '--help', '--yes']);
  expect(files).toEqual(expect.arrayContaining(['program.js', 'quota.js', 'reset.js']));
  expect(files).not.toContain('answer.js');
});

test('a command loads itself, no other, no package that it does not need, and nothing of the SQL core', async () => {
  const { files, chunks } = await loadedFor([
    ...['user', 'show', 'ada', '--database-url', 'postgres://q@127.0.0.1:1/q'],
  ]);
  // No server is there, and that is reported.
  expect(new Set(files)).toEqual(new Set(['program.js', 'quota.js', 'report-error.js', 'chunk.js']));
  expect(chunks).toEqual(expect.arrayContaining(['main.js', 'group.js', 'show.js']));
  const seldom = ['core.js', 'migrations.js', 'inquirer.js', 'template.js', 'list.js', 'reset.js'];
  expect(chunks.filter((name) => seldom.includes(name))).toEqual([]);
});

test('another command is read from files of its own', async () => {
  const { files, chunks } = await loadedFor(['plan', 'list', '--database-url', 'postgres://q@127.0.0.1:1/q']);
  expect(files).toEqual(expect.arrayContaining(['group.js', 'list.js', 'program.js']));
  expect(chunks).not.toContain('show.js');
});

test('what few commands want is no part of the program, and given whole to who asks for it', () => {
  const path = resolve('dist/bin/program.js');
  const load = loaderOf(path, compilePack(path));
  const files = readdirSync(resolve('dist/bin/chunks'));
  const given = (name: string) => load(`./${files.find((file) => nameOf(file) === `${name}.js`)}`);
  expect(given('core')).toMatchObject({
    core: { files: expect.arrayContaining([expect.objectContaining({ path: 'usage/current-quotas.sql' })]) },
  });
  expect(given('migrations')).toMatchObject({ migrations: { '0001_core': { up: expect.any(String) } } });
  expect(given('inquirer')).toMatchObject({ createPromptModule: expect.any(Function) });
  expect(given('template')).toMatchObject({ templateText: expect.any(Function) });
  expect(given('parquet-input')).toMatchObject({ openParquet: expect.any(Function) });
  const texts = ['What a user has used of each meter', 'registerPrompt', 'parquetMetadata'];
  const program = readFileSync(path, 'latin1');
  expect(texts.filter((text) => program.includes(text))).toEqual([]);
});

test.each(['answer.js', 'program.js'])('what the build has compiled of %s is taken as it is', (name) => {
  const path = resolve('dist/bin', name);
  expect(compilePack(path).cachedDataRejected).toBe(false);
});

test.each(['answer.js', 'program.js'])('%s is ASCII: its bytes are its text', (name) => {
  expect(readFileSync(resolve('dist/bin', name)).every((byte) => byte < 128)).toBe(true);
});

test('without what was compiled, or with something else in its place, the same is answered', () => {
  const place = mkdtempSync(join(tmpdir(), 'quota-compiled-'));
  try {
    const copy = join(place, 'quota', 'dist');
    cpSync('dist', copy, { recursive: true, filter: (path) => !/\.cache$|dist\/bench/.test(path) });
    const ask = () => spawnSync(join(copy, 'bin/quota.js'), ['help', 'user'], { encoding: 'utf8' }).stdout;
    const answer = ask();
    expect(answer).toContain('Usage: quota user');
    writeFileSync(cacheOf(join(copy, 'bin/answer.js')), 'of no version');
    expect(ask()).toBe(answer);
  } finally {
    rmSync(place, { recursive: true });
  }
});
