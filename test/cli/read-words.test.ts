import { expect, test } from 'vitest';
import { readWords } from '../../src/cli/read-words.ts';
import { wholeTree } from '../whole-tree.ts';

const tree = await wholeTree();

test.each([
  ['user show ada --json', 'user show ada --json='],
  ['--output json user --quiet show ada', 'user show --output json --quiet ada'],
  ['jobs run --dry-run reset-months', 'jobs run reset-months --dry-run'],
  ['jobs run --limit 5 --user ada reset-months', 'jobs run reset-months --limit 5 --user ada'],
  ['user --service voice list', 'user list --service voice'],
  ['reconcile --month 2026-10', 'reconcile run --month 2026-10'],
  ['reconcile --month 2026-10 show', 'reconcile show --month 2026-10'],
  ['reconcile --help', 'reconcile --help'],
  ['user show -- --json', 'user show -- --json'],
  ['user show ada -o csv -q', 'user show ada --output csv --quiet'],
  ['user reset -qyn ada', 'user reset --quiet --yes --dry-run ada'],
  ['-vojson user show ada', 'user show --verbose --output=json ada'],
  ['user show ada -o=csv', 'user show ada --output=csv'],
  ['jobs run -n reset-months', 'jobs run reset-months --dry-run'],
  ['reconcile report -o october.html -ocsv', 'reconcile report --report october.html --report=csv'],
  ['user grant ada help 5', 'user grant ada help 5'],
])('quota %s is read as %s', async (line, ordered) => {
  const read = await readWords(tree, line.split(' '));
  expect(read.ordered.join(' ')).toBe(ordered);
  expect(read.unknown).toBeUndefined();
});

test('the value of an option is no command, whatever it is called', async () => {
  const read = await readWords(tree, ['user', '--reason', 'reset', 'grant', 'ada', 'messages', '5']);
  expect(read.command.name()).toBe('grant');
  expect(read.ordered).toEqual(['user', 'grant', '--reason', 'reset', 'ada', 'messages', '5']);
});

test('behind an option that nobody knows, no word is taken for a command that is wrong', async () => {
  const { unknown } = await readWords(tree, ['user', '--no-such-option', 'nonsense']);
  expect(unknown).toBeUndefined();
});
