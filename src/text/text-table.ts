import type { Style } from '../context.ts';

export interface TextTableOptions {
  head: readonly string[];
  /** Headings of columns whose cells stand to the left; the others hold numbers. */
  left: readonly string[];
  /** Heading of a last column that is left out where a terminal has no room for it. */
  dispensable?: string;
  /** Colours a line that has been laid out. */
  color?: (line: string, row: number) => string;
}

/** Rows under their headings, as lines: for a command that writes more than one table. */
export function textTable(
  rows: readonly (readonly string[])[],
  { head, left, dispensable, color = (line) => line }: TextTableOptions,
  style: Style,
): string[] {
  const table = laidOut(rows, { head, left, color }, style);
  const isTooWide =
    style.isTerminal && laidOut(rows, { head, left }, plain).some((line) => line.length > style.width);
  if (dispensable === undefined || head.at(-1) !== dispensable || !isTooWide) {
    return table;
  }
  return laidOut(
    rows.map((cells) => cells.slice(0, -1)),
    { head: head.slice(0, -1), left, color },
    style,
  );
}

const plain = { dim: (text: string) => text };

function laidOut(
  rows: readonly (readonly string[])[],
  { head, left, color = (line) => line }: TextTableOptions,
  style: Pick<Style, 'dim'>,
): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return left.includes(head[column] ?? '') ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [style.dim(line(head)), ...rows.map((cells, row) => color(line(cells), row))];
}
