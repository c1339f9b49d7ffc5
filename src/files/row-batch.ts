/**
 * Rows of one piece of a file, the same for CSV and JSON. Parallel arrays instead of an object per row: a
 * million rows pass through here in about a second.
 */
export interface RowBatch {
  /** The values of each row as text, in the order of the header (CSV) or of the wanted fields (JSON); `''` if absent or null. */
  rows: string[][];
  /** 1-based line of the file on which each row begins. */
  lines: number[];
  /** Unique and ascending in the file: the line, or the number of the element for JSON arrays (they may stand on one line). */
  numbers: number[];
  /** The text of a row as it stands in the file, for a rejects file. */
  originalText(index: number): string;
}
