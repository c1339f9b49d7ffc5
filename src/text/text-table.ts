import type { Style } from '../context.ts';
import { leftOut } from '../values/counted.ts';

export interface TextTableOptions {
  head: readonly string[];
  /** Headings of columns whose cells stand to the left; the others hold numbers. */
  left: readonly string[];
  /** Headings of columns that are left out, one after the other, until a terminal has room for the rest. */
  dispensable?: readonly string[];
  /** Colours a line that has been laid out. */
  color?: (line: string, row: number) => string;
}

/** Rows under their headings, as lines, and what is left out: for a command that writes more than one table. */
export function textTable(
  rows: readonly (readonly string[])[],
  options: TextTableOptions,
  style: Style,
): string[] {
  const { head, dispensable = [] } = options;
  const left = dispensable.filter((title) => head.includes(title));
  const needed = left.findIndex((_, count) => fits(rows, without(left.slice(0, count), options), style));
  const missing = left.slice(0, needed === -1 ? left.length : needed);
  return [
    ...laidOut(rows, without(missing, options), style),
    ...(missing.length === 0 ? [] : [style.dim(leftOut(missing))]),
  ];
}

type Layout = Omit<TextTableOptions, 'dispensable'> & {
  /** Which cells of a row are shown. */
  places: readonly number[];
};

const without = (missing: readonly string[], { head, ...layout }: TextTableOptions): Layout => {
  const places = head.flatMap((title, place) => (missing.includes(title) ? [] : [place]));
  return { ...layout, head: places.map((place) => head[place] ?? ''), places };
};

const fits = (rows: readonly (readonly string[])[], { color: _, ...layout }: Layout, style: Style) =>
  !style.isTerminal || laidOut(rows, layout, plain).every((line) => line.length <= style.width);

const plain = { dim: (text: string) => text };

function laidOut(
  rows: readonly (readonly string[])[],
  { head, left, places, color = (line) => line }: Layout,
  style: Pick<Style, 'dim'>,
): string[] {
  const shown = rows.map((cells) => places.map((place) => cells[place] ?? ''));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...shown.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return left.includes(head[column] ?? '') ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [style.dim(line(head)), ...shown.map((cells, row) => color(line(cells), row))];
}
