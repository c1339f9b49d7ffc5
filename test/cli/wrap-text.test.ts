import { expect, test } from 'vitest';
import { wrappedFor, wrapText } from '../../src/cli/wrap-text.ts';

test('lines are broken between words, and go on under the column that they belong to', () => {
  expect(wrapText('  --quiet     nothing is printed when nothing was to be done', 40)).toBe(
    ['  --quiet     nothing is printed when', '              nothing was to be done'].join('\n'),
  );
  expect(wrapText('Blocked: the minutes are used up until December.', 24)).toBe(
    'Blocked: the minutes are\nused up until December.',
  );
  expect(wrapText('    firstMessage: "Hello", not "This line"', 24)).toBe(
    '    firstMessage:\n      "Hello", not "This\n      line"',
  );
  expect(wrapText('error: nothing can be written into the folder', 30, 2)).toBe(
    'error: nothing can be written\n  into the folder',
  );
});

test('what fits stays as it is, and so does a word that is too long for a line', () => {
  const fits = 'a  line   with\n\n    gaps  ';
  expect(wrapText(fits, 20)).toBe(fits);
  const url = `postgres://${'x'.repeat(40)}`;
  expect(wrapText(url, 20)).toBe(url);
  expect(wrapText(`see ${url} for it`, 20)).toBe(`see\n  ${url}\nfor it`);
});

test('colours take no place, signs of East Asia take two', () => {
  const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
  expect(wrapText(`${red('twelve chars')} and`, 16)).toBe(`${red('twelve chars')} and`);
  expect(wrapText(red('twelve chars and more'), 16)).toBe('\u001b[31mtwelve chars and\nmore\u001b[39m');
  expect(wrapText('健太郎 健太郎', 12)).toBe('健太郎\n健太郎');
});

test('away from a terminal nothing is broken', () => {
  const line = 'word '.repeat(50);
  expect(wrappedFor({}, line)).toBe(line);
  expect(wrappedFor({ isTTY: true, columns: 0 }, line)).toBe(line);
  expect(wrappedFor({ isTTY: true, columns: 20 }, line)).not.toBe(line);
});
