import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { unknownCommandError } from '../../src/cli/hints.ts';
import { runCli } from '../run-cli.ts';
import { wholeTree } from '../whole-tree.ts';

const tree = await wholeTree();
test.each([
  [['user', 'list', '--state', 'exceded'], /for example exceeded/],
  [['user', 'list', '-o', 'cvs'], /for example csv/],
  [['user', 'list', '-o', 'yaml'], /for example table/],
])('%j names a choice that is near', async (words, hint) => {
  const { code, stderr } = await runCli(words);
  expect(code).toBe(2);
  expect(stderr).toMatch(hint);
});

const groups = (command: Command): Command[] =>
  command.commands.length === 0 ? [] : [command, ...command.commands.flatMap(groups)];

test.each([
  [['bogus'], /quota --help lists/],
  [['bogus', '--help'], /quota --help lists/],
  [['--help', 'bogus'], /quota --help lists/],
  [['--quiet', 'bogus', 'show'], /quota --help lists/],
  [['users'], /Did you mean user\?/],
  [['reconsile'], /Did you mean reconcile\?/],
  [['user', 'sho'], /Did you mean show\?/],
  [['user', 'get', 'ada'], /Did you mean show\?/],
  [['user', 'ls'], /Did you mean list\?/],
  [['user', 'hist'], /Did you mean history\?/],
  [['user', 'bogus', '--help'], /quota user --help lists/],
  [['user', '--quiet', 'bogus'], /quota user --help lists/],
  [['db', 'init'], /Did you mean migrate\?/],
  [
    ['jobs', 'run', 'reset-month'],
    /Did you mean one of reset-anniversaries, reset-months\?|Did you mean reset-months\?/,
  ],
  [['reconcile', 'shwo'], /Did you mean show\?/],
  [['help', 'bogus'], /quota --help lists/],
  [['help', 'exit-code'], /Did you mean exit-codes\?/],
  [['help', 'envronment'], /Did you mean environment\?/],
  [['user', 'exit-code'], /quota user --help lists/],
  [['help', 'user', 'bogus'], /quota user --help lists/],
  [['help', 'user', 'show', 'ada'], /quota user show --help/],
  [['user', 'help', 'bogus'], /quota user --help lists/],
])('%j is a usage error with the hint %s', async (words, hint) => {
  const { code, stdout, stderr } = await runCli(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^error: unknown command '/);
  expect(stderr).toMatch(hint);
});

test.each([['create'], ['rest'], ['reser'], ['erasd'], ['delete'], ['remove']])(
  'quota user %s does not lead to what takes something away',
  async (word) => {
    const { code, stderr } = await runCli(['user', word]);
    expect(code).toBe(2);
    expect(stderr.split('\nhint: ')[1]).not.toMatch(/\b(?:reset|erase)\b/);
  },
);

/** Each letter left out, doubled, changed, and swapped with the next. */
const mistyped = (name: string): string[] =>
  [...name].flatMap((letter, at) => {
    const [before, after] = [name.slice(0, at), name.slice(at + 1)];
    const swapped = `${before}${after.slice(0, 1)}${letter}${after.slice(1)}`;
    return [before + after, `${before}${letter}${letter}${after}`, `${before}q${after}`, swapped];
  });

describe.each(groups(tree.root))('in $_name', (group) => {
  const isDestructive = (child: Command) => 'isDestructive' in (tree.entryOf(child) ?? {});

  test('a slip of one letter leads to the command, unless it takes something away', () => {
    for (const child of group.commands) {
      const isBeginning = (word: string) => group.commands.some((other) => other.name().startsWith(word));
      const slips = mistyped(child.name()).filter((word) => !isBeginning(word));
      for (const word of slips) {
        const { suggestion = '' } = unknownCommandError(tree, { word, parent: group });
        const names = /Did you mean (?:one of )?(.*)\?/.exec(suggestion)?.[1]?.split(', ') ?? [];
        const isHidden = 'isHidden' in (tree.entryOf(child) ?? {});
        if (isDestructive(child) || isHidden) {
          expect(names, word).not.toContain(child.name());
        } else if (child.name().length > 4) {
          expect(names, word).toContain(child.name());
        }
        for (const name of names) {
          const named = tree.find(group, name);
          expect(named !== undefined && !isDestructive(named), `${word} → ${name}`).toBe(true);
        }
      }
    }
  });
});

test('what takes something away is known as such', () => {
  const destructive = groups(tree.root).flatMap((group) =>
    group.commands
      .filter((child) => 'isDestructive' in (tree.entryOf(child) ?? {}))
      .map((child) => `${group.name()} ${child.name()}`),
  );
  expect(destructive).toEqual(
    expect.arrayContaining(['user reset', 'user erase', 'db reset', 'db rollback', 'grants revoke']),
  );
});

test.each([
  [['user', 'show'], "missing required argument 'user'", 'quota user show [options] <user>'],
  [
    ['usage', 'check'],
    "required option '--service",
    'quota usage check [options] --service <service> [user]',
  ],
  [['user', 'list', '--bogus'], "unknown option '--bogus'", 'quota user list [options]'],
  [['user', 'list', 'ada'], 'too many arguments', 'quota user list [options]'],
  [['reconcile', 'show'], "required option '--month", 'quota reconcile show [options] --month <month>'],
])('%j tells how the command is called, with a line to change and run', async (words, message, usage) => {
  const { code, stderr } = await runCli(words);
  expect(code).toBe(2);
  const [first, second, third, fourth] = stderr.split('\n');
  expect(first).toContain(message);
  expect(second).toBe(`  usage: ${usage}`);
  expect(third).toMatch(`  example: quota ${words[0]}`);
  expect(fourth).toMatch(`hint: quota ${words.slice(0, 2).join(' ')} --help`);
});

test.each([
  [['help', 'user', 'show'], 'quota user show [options] <user>'],
  [['user', 'help', 'show'], 'quota user show [options] <user>'],
  [['help', 'jobs', 'run', 'purge'], 'quota jobs run purge [options]'],
  [['help', 'reconcile'], 'quota reconcile [options] [command]'],
  [['help', 'reconcile', 'run'], 'quota reconcile run [options]'],
  [['help', 'demo'], 'quota demo [options]'],
  [['help'], 'quota [options] [command]'],
])('%j explains it', async (words, usage) => {
  const { code, stdout, stderr } = await runCli(words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')[0]).toBe(`Usage: ${usage}`);
});
