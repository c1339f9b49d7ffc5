import type { Column } from '../../context.ts';

/** Between two columns. */
const gap = 2;
/** Below this a cell tells nothing any more: then a column is left out instead. */
const shrunkMin = 12;

export interface FittedColumn {
  column: Column;
  /** In characters of the terminal. */
  width: number;
}

/**
 * What of a table has room: first the widest texts are cut, so that one long name widens nothing; numbers stay whole.
 * Where that does not do, columns are left out from the right, those first that are marked as extra, those last that are
 * marked as kept. The first stays.
 * @param natural how wide each column would like to be
 */
export function fitColumns(
  columns: readonly Column[],
  natural: readonly number[],
  room: number,
): FittedColumn[] {
  let fitted = columns.map((column, index) => ({ column, width: natural[index] ?? 0 }));
  while (fitted.length > 1 && leastWidth(fitted) > room) {
    const leaving =
      [
        fitted.findLastIndex(({ column }, index) => index > 0 && column.isExtra === true),
        fitted.findLastIndex(({ column }, index) => index > 0 && column.isKept !== true),
      ].find((index) => index !== -1) ?? -1;
    fitted = fitted.toSpliced(leaving === -1 ? fitted.length - 1 : leaving, 1);
  }
  for (let excess = widthOf(fitted) - room; excess > 0; excess -= 1) {
    const widest = fitted.reduce((one, other) => (spare(other) > spare(one) ? other : one));
    if (spare(widest) === 0) {
      break;
    }
    widest.width -= 1;
  }
  return fitted;
}

const widthOf = (fitted: readonly FittedColumn[]) =>
  fitted.reduce((sum, { width }) => sum + width, gap * (fitted.length - 1));

const leastWidth = (fitted: readonly FittedColumn[]) =>
  widthOf(fitted) - fitted.reduce((sum, one) => sum + spare(one), 0);

/** How much of a column can be cut. */
const spare = ({ column, width }: FittedColumn) =>
  column.align === 'right' || column.isWhole === true ? 0 : Math.max(0, width - shrunkMin);
