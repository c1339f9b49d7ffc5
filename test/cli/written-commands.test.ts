import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
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

/** The files that the built bin loads for a command line, without the hash in their names. */
async function loadedFor(words: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-loaded-'));
  try {
    await runBin(words, { env: { NODE_V8_COVERAGE: folder } });
    const scripts = readdirSync(folder).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      return result.map(({ url }: { url: string }) => url).filter((url: string) => url.startsWith('file:'));
    });
    const names = scripts.map((url) => basename(url).replace(/-[A-Z0-9]{8}\.js$/, ''));
    return names.filter((name) => name !== 'chunk').sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each([
  '--help',
  'user --help',
  'user show -h',
  'help reconcile run',
  'jobs run purge --help',
  'complete -- jobs run reset-months --max',
])('quota %s loads what answers, and no command', async (line) => {
  expect(await loadedFor(line.split(' '))).toEqual(['answer.js', 'quota.js']);
});

test('the file that is run can be run by itself', () => {
  const { status, stdout } = spawnSync(resolve('dist/bin/quota.js'), ['help', 'user'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('Usage: quota user') });
});

test('the version is told by the first file', async () => {
  expect(await loadedFor(['--version'])).toEqual(['quota.js']);
});

test('help for what could be a value is left to the program', async () => {
  expect(await loadedFor(['user', 'reset', 'ada', '--reason', '--help', '--yes'])).toContain('program.mjs');
});

test('a command loads itself and no other', async () => {
  const loaded = await loadedFor(['user', 'show', 'ada', '--database-url', 'postgres://q@127.0.0.1:1/q']);
  expect(loaded).toContain('show');
  for (const other of ['list', 'reset', 'grant', 'written-commands']) {
    expect(loaded).not.toContain(other);
  }
});
