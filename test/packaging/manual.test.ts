import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { manPages } from '../../scripts/man-pages.ts';
import { wholeTree } from '../whole-tree.ts';

const pages = await manPages();
const tree = await wholeTree();
const textOf = (file: string) => pages.find((page) => page.file === file)?.text ?? '';
/** As it is read: the escapes of man(7) taken back. */
const read = (text: string) =>
  text
    .replace(/\\f[BIR]/g, '')
    .replace(/\\\[u([0-9A-F]+)\]/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll('\\(aq', "'")
    .replaceAll('\\(ga', '`')
    .replaceAll('\\(ha', '^')
    .replaceAll('\\(ti', '~')
    .replaceAll('\\-', '-')
    .replaceAll('\\&', '')
    .replaceAll('\\e', '\\');

test('there is a page for each group and each command that belongs to none, and npm links them all', () => {
  const names = tree.root.commands.map((command) => command.name()).filter((name) => name !== 'complete');
  expect(pages.map(({ file }) => file)).toEqual(['quota.1', ...names.map((name) => `quota-${name}.1`)]);
  expect(packageJson.man, 'run: npm run man').toEqual(pages.map(({ file }) => `man/${file}`));
});

test('the page of a group has its commands, their words, options and examples', () => {
  for (const group of tree.root.commands.filter(({ commands }) => commands.length > 0)) {
    const text = read(textOf(`quota-${group.name()}.1`));
    for (const command of group.commands) {
      expect(text).toContain(`quota ${group.name()} ${command.name()}`);
      for (const { flags, description } of command.options) {
        expect(text).toContain(`${flags}\n${description}`);
      }
      for (const word of command.registeredArguments) {
        expect(text).toContain(`${word.name()}\n${word.description}`);
      }
    }
    expect(text).toContain('$ quota ');
  }
  expect(read(textOf('quota-user.1'))).toMatch(
    /\n\$ quota user list --after 'user_00049\/voice'\nthe next page\n/,
  );
});

test('quota(1) has the settings, the exit codes and the options of every command', () => {
  const text = read(textOf('quota.1'));
  for (const words of ['DATABASE_URL', 'NO_COLOR', '--as-of <instant>', '130, 143', 'quota-reconcile(1)']) {
    expect(text).toContain(words);
  }
});

test('nothing of the text is taken for a request or an escape', () => {
  const known = /^\.(?:TH|SH|SS|TP|PP|br|nf|fi|nh|ad)\b/;
  for (const { file, text } of pages) {
    const lines = text.split('\n');
    expect(
      lines.filter((line) => /^[.']/.test(line) && !known.test(line)),
      file,
    ).toEqual([]);
    expect(text.match(/\\(?!f[BIR]|\[u[0-9A-F]{4,5}\]|\((?:aq|ga|ha|ti)|-|&|e)/g), file).toBeNull();
    expect(/^[\u0000-\u007f]*$/.test(text), file).toBe(true);
  }
});
