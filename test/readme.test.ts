import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exitCodeTable } from '../src/cli/exit-code-table.ts';
import { type Setting, settingTable } from '../src/cli/setting-table.ts';
import { exitCodes } from '../src/errors.ts';
import { wholeTree } from './whole-tree.ts';

const readme = readFileSync('README.md', 'utf8');
const program = (await wholeTree()).root;

/** Cells of all table rows, without the spaces that align them. */
const rows = readme
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );

test('the table of settings is the one of the program', () => {
  const settings = (settingTable as readonly Setting[]).map(
    ({ variable, flag, defaultText, description }) => {
      return [`\`${variable}\``, flag === undefined ? '' : `\`${flag}\``, defaultText, description];
    },
  );
  expect(rows.filter((cells) => cells.length === 4 && cells[0]?.startsWith('`'))).toEqual(settings);
});

test('every exit code is explained, in the words of the program', () => {
  const explained = rows.filter(([first = '']) => /^[\d, ]+$/.test(first));
  expect(explained).toEqual(exitCodeTable.map(({ codes, meaning }) => [codes.join(', '), meaning]));
  expect(exitCodeTable.flatMap(({ codes }) => codes)).toEqual(Object.values(exitCodes));
});

test('every global option is explained', () => {
  for (const option of program.options.filter(({ long }) => long !== '--version')) {
    expect(readme).toContain(`${option.long}`);
  }
});

test('every command line in it names a command that there is', () => {
  const lines = [...readme.matchAll(/^(?:.*&& )?(?:npx )?quota ([a-z][^#\n]*)/gm)].map(
    (match) => match[1] ?? '',
  );
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    let command = program;
    for (const word of line
      .trim()
      .split(/\s+/)
      .filter((word) => /^[a-z-]+$/.test(word) && !word.startsWith('-'))) {
      const child = command.commands.find((candidate) => candidate.name() === word);
      if (child === undefined) {
        break;
      }
      command = child;
    }
    const isGroup = command.commands.length > 0 && command.name() !== 'reconcile'; // Which runs by itself.
    expect(isGroup, `quota ${line}`).toBe(false);
  }
});
