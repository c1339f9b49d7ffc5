import type { Style } from '../context.ts';

/** Narrower than this a word a line is no help. */
const widthMin = 40;

/**
 * An indented paragraph: folded to the width of a terminal, one line elsewhere. `text` has no colours yet: they
 * would count as characters.
 */
export function foldText(
  text: string,
  indent: number,
  style: Style,
  color: (line: string) => string = (line) => line,
): string[] {
  const margin = ' '.repeat(indent);
  if (!style.isTerminal) {
    return [margin + color(text)];
  }
  const width = Math.max(style.width, widthMin) - indent;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines.map((line) => margin + color(line));
}
