import { lineWidth } from './fit-line.ts';
import type { TerminalStream } from './process-like.ts';

const colours = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');
const widthOf = (text: string): number => lineWidth(text.replace(colours, ''));

/** A terminal that does not know its size says 0. */
const widthMin = 10;

/** Text for a terminal: lines that it has no room for are broken between words. Elsewhere the text as it is. */
export const wrappedFor = (
  { isTTY, columns }: Pick<TerminalStream, 'isTTY' | 'columns'>,
  text: string,
  hang = 0,
): string => (isTTY === true && columns !== undefined ? wrapText(text, columns, hang) : text);

/**
 * Lines of text, each on as many lines as it needs. What goes on stands under what it belongs to: the last column that
 * begins in the left half, or the beginning of the line. A word that is too long for a line is left whole.
 * @param hang how far lines that begin at the margin are indented where they go on
 */
export const wrapText = (text: string, width: number, hang = 0): string =>
  width < widthMin
    ? text
    : text
        .split('\n')
        .map((line) => (widthOf(line) <= width ? line : wrapLine(line, width, hang)))
        .join('\n');

function wrapLine(line: string, width: number, hang: number): string {
  const { margin, under } = indentsOf(line.replace(colours, ''), width, hang);
  const lines: string[] = [];
  let last = '';
  for (const [, blanks = '', word = ''] of line.matchAll(/( *)([^ ]+)/g)) {
    if (last.trim() === '' || widthOf(last + blanks + word) <= width) {
      last += blanks + word;
    } else {
      lines.push(last);
      last = ' '.repeat(under + widthOf(word) <= width ? under : margin + 2) + word;
    }
  }
  return [...lines, last].join('\n');
}

function indentsOf(line: string, width: number, hang: number): { margin: number; under: number } {
  const margin = line.search(/[^ ]|$/);
  const columns = Array.from(line.matchAll(/(?<=[^ ] {2,})[^ ]/g), ({ index }) =>
    lineWidth(line.slice(0, index)),
  );
  const under = columns.filter((column) => column <= width / 2).at(-1);
  return { margin, under: under ?? (margin === 0 ? hang : margin + 2) };
}
