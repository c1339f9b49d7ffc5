import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json';
import { createProgram } from '../../src/cli/program.ts';
import { readWords } from '../../src/cli/read-words.ts';
import { useDesk } from '../desk/desk.ts';
import { fakeProcess, runBin, runCli } from '../run-cli.ts';
import { wholeTree } from '../whole-tree.ts';

const desk = useDesk();

/** Every command that can be run, by its full name. */
function commandsOf(command: Command, path: string[] = []): [string, Command][] {
  return command.commands.flatMap((child) => {
    const name = [...path, child.name()];
    return child.commands.length > 0
      ? commandsOf(child, name)
      : [[name.join(' '), child] as [string, Command]];
  });
}
const program = (await wholeTree()).root;

describe.each(commandsOf(program))('quota %s', (name) => {
  test('explains itself, with examples that begin with its name', async () => {
    const { code, stdout, stderr } = await runCli([...name.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, examples = ''] = stdout.split('\nExamples:\n');
    expect(examples).toContain(`quota ${name}`);
    expect(stdout).toContain('--as-of <instant>');
  });
  test('takes the values of its examples', async () => {
    const { stdout } = await runCli([...name.split(' '), '--help']);
    const [, examples = ''] = stdout.split('\nExamples:\n');
    for (const [, line = ''] of examples.matchAll(
      /^ {2}\$ (?:[A-Z_]+=\S+ )*quota ((?:"[^"]*"|'[^']*'|[^"'|>&;])*)/gm,
    )) {
      const words = [...(line.split(/ {2,}/)[0] ?? '').matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)];
      const tree = createProgram(fakeProcess([], {}).process, async () => {});
      const { command, target, ordered } = await readWords(
        tree,
        words.map(([word]) => word.replace(/["']/g, '')),
      );
      await tree.describe(command);
      await tree.load(target);
      await expect(tree.root.parseAsync(ordered, { from: 'user' }), line).resolves.toBeDefined();
    }
  });
  test('takes an unknown option for what it is', async () => {
    expect(await runCli([...name.split(' '), '--no-such-option'])).toMatchObject({ code: 2, stdout: '' });
  });
});

test.each([
  [['--version'], 0, `${packageJson.version}\n`],
  [['-V'], 0, `${packageJson.version}\n`],
  [['--help'], 0, expect.stringContaining('Usage: quota')],
  [['help', 'db'], 0, expect.stringContaining('Usage: quota db')],
  [['db', 'help', 'status'], 0, expect.stringContaining('Usage: quota db status')],
])('%j answers on stdout', async (args, code, stdout) => {
  expect(await runCli(args)).toEqual({ code, stdout, stderr: '' });
});

test.each([
  [[], /Usage: quota/],
  [['db'], /Usage: quota db/],
  [['dbb'], /unknown command 'dbb'\nhint: Did you mean db\?/],
  [['db', 'strat'], /unknown command 'strat'\nhint: Did you mean sta/],
  [['db', 'status', 'now'], /too many arguments/],
  [['db', 'status', '--jsn'], /unknown option '--jsn'\nhint: Did you mean --json\?/],
  [['db', 'status', '--output', 'xml'], /--output: "xml" is not one of table, json, ndjson, csv/],
  [
    ['db', 'status', '--as-of', 'someday'],
    /--as-of: "someday" is not an instant\nhint: .*2026-11-01T00:00:00Z/,
  ],
  [['db', 'status', '--as-of'], /argument missing/],
  [['db', 'status', '--json', '--output', 'csv'], /contradict/],
  [['--quiet', 'db', 'status', '--verbose'], /contradict/],
  [['db', 'rollback', '--all', '--to', '0001_core'], /contradict/],
])('%j is a usage error', async (args, stderr) => {
  expect(await desk.run(...args)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(stderr) });
});

test.each([
  [['--json', 'db', 'strat']],
  [['db', 'strat', '--output', 'json']],
  [['db', 'strat', '-o', 'json']],
  [['db', 'strat', '-ojson']],
  [['db', '--output=ndjson', 'strat']],
])('%j tells its error as JSON', async (args) => {
  const { code, stderr } = await runCli(args);
  expect(code).toBe(2);
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: 'usage',
      message: "unknown command 'strat'",
      detail: null,
      suggestion: expect.any(String),
    },
  });
});

test('global options are taken before, between and after', async () => {
  for (const args of [
    ['--json', 'db', 'status'],
    ['db', '--json', 'status'],
    ['db', 'status', '--json'],
  ]) {
    const { code, stdout } = await desk.run(...args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).schema.state).toBe('current');
  }
});

test('wrong settings: all of them, 78', async () => {
  const wrong = { DATABASE_URL: 'hunter22', QUOTA_ENV: 'prod' };
  const { code, stdout, stderr } = await runCli(['db', 'status'], { env: wrong });
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toMatch(/2 settings are wrong\n {2}QUOTA_ENV.*\n {2}DATABASE_URL/);
  expect(stderr).not.toContain('hunter22');
});

test('the built bin: results on stdout, errors on stderr, nothing from the surroundings', async () => {
  const good = await desk.bin('db', 'status', '--json');
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(good.stdout)).toMatchObject({ database: { kind: 'url' }, schema: { state: 'current' } });
  const bad = await runBin(['db', 'status', '--database-url', 'postgres://ada:hunter22@127.0.0.1:1/app']);
  expect(bad).toMatchObject({ code: 69, stdout: '', stderr: expect.stringContaining('127.0.0.1:1/app') });
  expect(bad.stderr).not.toContain('hunter22');
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a command with %i, its statement and its connection', async (signal, code) => {
  await desk.session(async (holder) => {
    await holder.query('begin; lock table quota.schema_migrations in access exclusive mode');
    const run = desk.start('db', 'status', '--json');
    await desk.untilLocked();
    run.kill(signal);
    expect(await run.result).toEqual({ code, stdout: '', stderr: expect.stringContaining('interrupted') });
    expect((await desk.sessions()).filter(({ waitsForLock }) => waitsForLock)).toEqual([]);
  });
});

test('a second signal ends the process at once', () => {
  const killed: string[] = [];
  const { process, signal } = fakeProcess(['db', 'status'], {});
  const fake = { ...process, kill: (_pid: number, name: NodeJS.Signals) => killed.push(name) > 0 };
  return import('../../src/cli/signals.ts').then(({ listenForSignals }) => {
    const interruption = listenForSignals(fake);
    signal('SIGTERM');
    expect([interruption.signal.aborted, interruption.exitCode(), killed]).toEqual([true, 143, []]);
    signal('SIGINT');
    expect([interruption.exitCode(), killed]).toEqual([143, ['SIGINT']]);
  });
});
