import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cacheOf, compile } from '../../bin/compiled.ts';
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
  /** The names of files that Node has loaded. */
  files: string[];
  /** The sources of them that have run: src/…, or another path from the root. */
  sources: string[];
}

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
      files: scripts.map(({ url }) => basename(url)).sort(),
      sources: ran.map(({ functionName }) => functionName).filter((name) => name.includes('/')),
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
  expect(files).toEqual(['program.js', 'quota.js']);
});

test('a command loads itself, no other, no package that it does not need, and nothing of the SQL core', async () => {
  const { files, sources } = await loadedFor([
    ...['user', 'show', 'ada', '--database-url', 'postgres://q@127.0.0.1:1/q'],
  ]);
  expect(files).toEqual(['program.js', 'quota.js']);
  expect(sources.filter((path) => path.startsWith('src/commands/user/')).sort()).toEqual([
    ...['group', 'quota-text', 'show-text', 'show'].map((name) => `src/commands/user/${name}.ts`),
  ]);
  expect(
    sources.filter((path) => /^sql.*(core|migrations)|inquirer|written-commands|commands\/jobs/.test(path)),
  ).toEqual([]);
});

test('what few commands want is in files of its own, each with what its package gives', () => {
  const load = createRequire(import.meta.url);
  const given = (name: string) => load(resolve('dist/bin', `${name}.js`));
  expect(given('core').files).toContainEqual(
    expect.objectContaining({ path: 'usage/current-quotas.sql', text: expect.any(String) }),
  );
  expect(given('migrations')).toMatchObject({ '0001_core': { up: expect.any(String) } });
  expect(given('handlebars').compile('{{a}}')({ a: 1 })).toBe('1');
  expect(given('inquirer').prompt).toBeTypeOf('function');
  expect(given('hyparquet').parquetMetadataAsync).toBeTypeOf('function');
  expect(readFileSync(resolve('dist/bin/program.js')).includes('What a user has used of each meter')).toBe(
    false,
  );
  expect(readFileSync(resolve('dist/bin/core.js')).includes('What a user has used of each meter')).toBe(true);
});

test.each(['answer.js', 'program.js'])('what the build has compiled of %s is taken as it is', (name) => {
  const path = resolve('dist/bin', name);
  expect(compile(path).script.cachedDataRejected).toBe(false);
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
