import { expect, test } from 'vitest';
import { topicNames } from '../../src/cli/topics/topics.ts';
import { exitCodes } from '../../src/errors.ts';
import { runCli } from '../run-cli.ts';
import { wholeTree } from '../whole-tree.ts';

test('the help lists the topics, and each tells something', async () => {
  const { stdout } = await runCli(['--help']);
  const [, list = ''] = /Topics: quota help (.*)/.exec(stdout) ?? [];
  expect(list.split(/, | or /)).toEqual(topicNames);
  for (const topic of topicNames) {
    const { code, stdout: text, stderr } = await runCli(['help', topic]);
    expect({ code, stderr }, topic).toEqual({ code: 0, stderr: '' });
    expect(text.split('\n').length, topic).toBeGreaterThan(8);
    expect(Math.max(...text.split('\n').map(({ length }) => length)), topic).toBeLessThanOrEqual(200);
  }
});

test('exit codes are all there, and so is every job with its schedule', async () => {
  const { stdout: codes } = await runCli(['help', 'exit-codes']);
  for (const code of Object.values(exitCodes)) {
    expect(codes).toMatch(new RegExp(`^(\\d+, )?${code}\\b`, 'm'));
  }
  const { stdout: cron } = await runCli(['help', 'cron']);
  const tree = await wholeTree();
  const run = tree.find(tree.find(tree.root, 'jobs') ?? tree.root, 'run');
  for (const job of run?.commands ?? []) {
    expect(cron).toMatch(new RegExp(`^  [*/\\d]+( [*/\\d]+){4} +${job.name()}  `, 'm'));
  }
});

test('every flag and command line that a topic names is one that there is', async () => {
  const tree = await wholeTree();
  const { readWords } = await import('../../src/cli/read-words.ts');
  for (const topic of topicNames) {
    const { stdout } = await runCli(['help', topic]);
    for (const [, line = ''] of stdout.matchAll(/^ {2}\$ (?:[A-Z_]+=\S+ )?quota (.*?)(?: {2,}| [|>]|$)/gm)) {
      const { unknown, ordered } = await readWords(tree, line.split(' '));
      expect(unknown, line).toBeUndefined();
      expect(ordered.length, line).toBeGreaterThan(1);
    }
  }
});

test.each([['cron', 'user'], ['bogus'], ['exit-code']])('quota help %s is no topic', async (...words) => {
  expect((await runCli(['help', ...words])).code).toBe(2);
});
