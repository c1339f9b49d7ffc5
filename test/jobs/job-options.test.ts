import { describe, expect, test } from 'vitest';
import type { JobDefinition } from '../../jobs/define-job.ts';
import { jobs } from '../../jobs/index.ts';
import { runCli } from '../run-cli.ts';
import { wholeTree } from '../whole-tree.ts';

const tree = await wholeTree();
const group = tree.find(tree.root, 'jobs') ?? tree.root;
const runGroup = tree.find(group, 'run') ?? tree.root;

/** The flags of a command, with what stands for their values. */
const flagsOf = (parent: typeof group, name: string) =>
  (tree.find(parent, name)?.options ?? []).map(({ flags }) => flags);

const definitions: [string, JobDefinition][] = await Promise.all(
  Object.entries(jobs).map(async ([name, load]): Promise<[string, JobDefinition]> => [name, await load()]),
);
const everyFlag = [...new Set(definitions.flatMap(([name]) => flagsOf(group, name)))];

test('jobs stand under their own names', () => {
  expect(definitions.length).toBeGreaterThan(5);
  expect(definitions.map(([, { name }]) => name)).toEqual(definitions.map(([name]) => name));
});

describe.each(definitions)('%s', (name, definition) => {
  test('has the same options by its own name and by jobs run, and the same summary', () => {
    expect(flagsOf(group, name)).toEqual(flagsOf(runGroup, name));
    expect(flagsOf(group, name)).toEqual(expect.arrayContaining(['-n, --dry-run', '--limit <n>']));
    expect(flagsOf(group, name).includes('--user <user>')).toBe(definition.scope === 'user');
    expect(tree.find(runGroup, name)?.description()).toBe(definition.summary);
  });

  const foreign = everyFlag.filter((flag) => !flagsOf(group, name).includes(flag));
  test.each(foreign)('refuses %s in both ways, before anything is opened', async (flags) => {
    const [flag = '', value] = flags.split(' ');
    const words = value === undefined ? [flag] : [flag, '1h'];
    for (const line of [
      ['jobs', name, ...words],
      ['jobs', 'run', name, ...words],
    ]) {
      const { code, stdout, stderr } = await runCli(line);
      expect({ code, stdout }, line.join(' ')).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`unknown option '${flag}'`);
    }
  });
});
