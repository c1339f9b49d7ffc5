import type { Style } from '../../context.ts';

export interface TextTableOptions {
  head: readonly string[];
  /** Headings of columns whose cells stand to the left; the others hold numbers. */
  left: readonly string[];
  /** Colours a line that has been laid out. */
  color?: (line: string, row: number) => string;
}

/** Rows under their headings, as lines: for a command that writes more than one table. */
export function textTable(
  rows: readonly (readonly string[])[],
  { head, left, color = (line) => line }: TextTableOptions,
  style: Style,
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
