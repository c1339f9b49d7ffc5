import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeWords } from '../../src/cli/completion/complete-words.ts';
import { shells } from '../../src/cli/completion/shell-scripts.ts';
import { needs } from '../desk/needs.ts';
import { runBin, runCli } from '../run-cli.ts';
import { wholeTree } from '../whole-tree.ts';

const tree = await wholeTree();
const program = tree.root;
const complete = async (...words: string[]) => {
  const { completions, files } = await completeWords(tree, words);
  return [...completions.map(({ value }) => value), ...(files ? [':files'] : [])];
};

/** Every command and group, by its path. */
const paths = (command: Command, path: string[] = []): { path: string[]; command: Command }[] => [
  { path, command },
  ...command.commands.flatMap((child) => paths(child, [...path, child.name()])),
];
const visible = paths(program).filter(({ path }) => path[0] !== 'complete');

test('every command is offered where it stands, and every option of it', async () => {
  expect(visible.length).toBeGreaterThan(30);
  for (const { path, command } of visible) {
    const commands = command.commands.map((child) => child.name()).filter((name) => name !== 'complete');
    expect(await complete(...path, ''), path.join(' ')).toEqual(expect.arrayContaining(commands));
    const flags = [...command.options, ...program.options].map((option) => option.long);
    expect(await complete(...path, '--'), path.join(' ')).toEqual(expect.arrayContaining(flags));
  }
});

test.each([
  [['us'], ['user', 'usage']],
  [['user', 'sh'], ['show']],
  [['user', 'show', 'ada', '--js'], ['--json']],
  [['user', 'show', '--json', '--js'], []],
  [['user', '--output', 'json', 'sh'], ['show']],
  [
    ['--output', ''],
    ['table', 'json', 'ndjson', 'csv'],
  ],
  [['user', 'list', '--state', 'e'], ['exceeded']],
  [['user', 'list', '--state=e'], ['--state=exceeded']],
  [['jobs', 'run', 'reset-a'], ['reset-anniversaries']],
  [['jobs', 'run', 'reset-months', ''], []],
  [['completion', ''], [...shells]],
  [['import', 'users', ''], [':files']],
  [['import', 'users', 'a.csv', ''], []],
  [['--env-file', ''], [':files']],
  [['reconcile', '--mon'], ['--month']],
  [['reconcile', '--export', 'a.csv', '--exp'], ['--export']],
  [['help', 'jobs', 'hist'], ['history']],
  [['user', 'show', '--', '--js'], []],
  [['user', 'reset', 'ada', '--reason', 'show', '--dry'], ['--dry-run']],
  [['nonsense', ''], []],
  [[], expect.arrayContaining(['demo', 'db', 'user', 'help'])],
])('%j', async (words, offered) => {
  expect(await complete(...words)).toEqual(offered);
});

test('the answer is one candidate a line, with what it is for', async () => {
  const { code, stdout } = await runCli(['complete', '--', 'user', 'sho']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^show\thow much is left, [^\n]+\n$/);
  const json = await runCli(['complete', '--json', '--', 'import', 'users', '']);
  expect(JSON.parse(json.stdout)).toEqual({ completions: [], files: true });
});

test.each(['complete -- user', 'completion bash'])('quota %s asks no shard which is meant', async (line) => {
  const { code, stdout } = await runBin(line.split(' '), { env: { QUOTA_SHARDS: '/no/shards.json' } });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^user\t|complete -F/m) });
});

test('an unknown shell is refused with those that there are', async () => {
  const { code, stderr } = await runCli(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/"tcsh" is not one of bash, zsh, fish/);
});

describe('in the shells', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quota-completion-'));
  const isInstalled = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;
  const env = { PATH: `${join(directory, 'bin')}:${process.env.PATH}`, HOME: directory, TERM: 'dumb' };

  beforeAll(() => {
    mkdirSync(join(directory, 'bin'));
    const quota = join(directory, 'bin', 'quota');
    writeFileSync(quota, `#!/bin/sh\nexec '${process.execPath}' '${resolve('dist/bin/quota.js')}' "$@"\n`);
    chmodSync(quota, 0o755);
    writeFileSync(join(directory, 'calls one.csv'), '');
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const run = (shell: string, args: string[]) =>
    spawnSync(shell, args, { cwd: directory, env, encoding: 'utf8' });

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    test.runIf(needs(isInstalled(shell), shell))(`${shell} parses its script`, async () => {
      writeFileSync(join(directory, shell), (await runCli(['completion', shell])).stdout);
      expect(run(shell, ['-n', shell])).toMatchObject({ status: 0, stderr: '' });
    });
  }

  test.runIf(needs(isInstalled('pwsh'), 'pwsh'))('PowerShell completes, in pwsh', async () => {
    writeFileSync(join(directory, 'quota.ps1'), (await runCli(['completion', 'powershell'])).stdout);
    const ask = `. ./quota.ps1; (TabExpansion2 'quota user sh' 13).CompletionMatches.CompletionText`;
    expect(run('pwsh', ['-NoProfile', '-Command', ask])).toMatchObject({ status: 0, stdout: 'show\n' });
  });

  test.each([
    ['quota us', 'user,usage'],
    ['quota user list --state = e', 'exceeded'],
    ["quota --output ''", 'table,json,ndjson,csv'],
    ["quota jobs run ''", expect.stringContaining('reset-anniversaries')],
    ["quota import users ''", expect.stringContaining('calls one.csv')],
    ['quota reconcile --export = calls', 'calls one.csv'],
  ])('bash completes %s', async (words, offered) => {
    const script = (await runCli(['completion', 'bash'])).stdout;
    const ask = `${script}
      COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _quota
      (IFS=,; echo "\${COMPREPLY[*]}")`;
    const { stdout, stderr } = run('bash', ['-c', ask]);
    expect(stderr).toBe('');
    expect(stdout.trim()).toEqual(offered);
  });

  test.runIf(needs(isInstalled('fish'), 'fish'))('fish completes', async () => {
    writeFileSync(join(directory, 'fish'), (await runCli(['completion', 'fish'])).stdout);
    const { stdout } = run('fish', ['--no-config', '-c', 'source fish; complete -C "quota user sh"']);
    expect(stdout).toMatch(/^show\t/);
  });
});
