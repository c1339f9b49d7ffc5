import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseOrKeep, withTimes } from '../../src/cli/spoken-times.ts';
import { topicNames } from '../../src/cli/topics/topics.ts';
import { exitCodes } from '../../src/errors.ts';
import {
  parseFutureInstant,
  parseInstant,
  parseMonth,
  parseSeconds,
} from '../../src/values/option-values.ts';
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

test('the times that the topic names are taken, each as what it is called', async () => {
  const { stdout } = await runCli(['help', 'time']);
  const row = (name: string) => {
    const [, cells = ''] = new RegExp(`^ {2}${name} +(.*)$`, 'm').exec(stdout) ?? [];
    const words = cells
      .replace(/\(.*?\)/g, '')
      .split(/[;,]/)
      .flatMap(
        (cell) => /"([^"]+)"|([^\s"]*\d[^\s"]*|now|yesterday|last-month|October)\s*$/.exec(cell.trim()) ?? [],
      )
      .filter((text): text is string => text !== undefined && !/^".*"$/.test(text));
    return [...new Set(words)];
  };
  const now = () => new Date('2026-11-15T12:00:00Z');
  const taken = async (parse: (text: string) => unknown, text: string) =>
    (await withTimes({ it: parseOrKeep(text, parse) }, now)).it;
  for (const text of [...row('an instant'), ...row('from now')]) {
    const parse = text.startsWith('in ') ? parseFutureInstant : parseInstant;
    expect(await taken(parse, text), text).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  }
  for (const text of row('a month')) {
    expect(await taken(parseMonth, text), text).toMatch(/^\d{4}-\d\d$/);
  }
  for (const text of row('a length of time')) {
    expect(Number(parseSeconds(text)), text).toBeGreaterThan(0);
  }
  expect(
    [row('an instant'), row('from now'), row('a month'), row('a length of time')].map(({ length }) => length),
  ).toEqual([3, 5, 4, 7]);
});

test('the roles that the topic names are those of the database, and all of them', async () => {
  const { stdout } = await runCli(['help', 'roles']);
  const grants = readFileSync('sql/roles/grant-to-roles.sql', 'utf8').matchAll(
    /\bto (quota_\w+(?:, quota_\w+)*)/g,
  );
  const known = new Set([...grants].flatMap(([, names = '']) => names.split(', ')));
  const told = [...stdout.matchAll(/^ {2}(quota_\w+)/gm)].map(([, name]) => name);
  expect(new Set(told)).toEqual(known);
});

test('the flags that the topic on cron names are those of every job', async () => {
  const { stdout } = await runCli(['help', 'cron']);
  const tree = await wholeTree();
  const run = tree.find(tree.find(tree.root, 'jobs') ?? tree.root, 'run');
  const flags = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag);
  expect(flags.length).toBeGreaterThan(4);
  for (const job of run?.commands ?? []) {
    const known = [...job.options, ...tree.root.options].map(({ long }) => long);
    expect(known, job.name()).toEqual(expect.arrayContaining(flags));
  }
});

test.each([['cron', 'user'], ['bogus'], ['exit-code']])('quota help %s is no topic', async (...words) => {
  expect((await runCli(['help', ...words])).code).toBe(2);
});
