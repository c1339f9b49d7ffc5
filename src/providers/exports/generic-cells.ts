import { CellFault, type CellFormat, quoted } from '../../files/cells.ts';
import { multiplyDecimal, shiftDecimal } from '../../values/decimal-math.ts';
import { epochMicros, secondsBetween } from '../../values/instant-math.ts';
import { isNegative, rawObject } from './billing-line.ts';
import type { GenericColumn } from './generic-columns.ts';

/** Reads one cell of a row; null if it is empty, or the file has no such column. */
type ReadCell = (row: string[]) => string | null;

export function cellReader(
  index: number,
  title: string,
  cells: CellFormat,
  parse: (text: string, column: string, format: CellFormat) => string | null,
): ReadCell {
  return index === -1 ? () => null : (row) => parse(row[index] ?? '', title, cells);
}

/**
 * The duration that a column gives, in whichever unit, or else that from start to end.
 * @throws CellFault from the function that it gives, for one below zero and for an end before its start
 */
export function durationReader(
  titles: Record<GenericColumn, string>,
  secondsOf: ReadCell,
  decimal: (column: GenericColumn) => ReadCell,
) {
  const minutesOf = decimal('duration_minutes');
  const millisecondsOf = decimal('duration_ms');
  const stated = (column: GenericColumn, text: string): string => {
    if (isNegative(text)) {
      throw new CellFault(titles[column], `${quoted(text)} is negative`);
    }
    return text;
  };
  return (row: string[], startedAt: string | null, endedAt: string | null): string | null => {
    // As texts they may be the wrong way round within a second: `19.5Z` comes before `19Z`.
    if (
      startedAt !== null &&
      endedAt !== null &&
      endedAt < startedAt &&
      epochMicros(endedAt) < epochMicros(startedAt)
    ) {
      throw new CellFault(titles.ended_at, 'is before the start');
    }
    const seconds = secondsOf(row);
    if (seconds !== null) {
      return stated('duration_seconds', seconds);
    }
    const minutes = minutesOf(row);
    if (minutes !== null) {
      return multiplyDecimal(stated('duration_minutes', minutes), 60);
    }
    const milliseconds = millisecondsOf(row);
    if (milliseconds !== null) {
      return shiftDecimal(stated('duration_ms', milliseconds), -3);
    }
    return startedAt !== null && endedAt !== null ? secondsBetween(startedAt, endedAt) : null;
  };
}

export function rawReader({ type, ended_reason }: Record<GenericColumn, number>): ReadCell {
  if (type === -1 && ended_reason === -1) {
    return () => null;
  }
  return (row) => rawObject({ type: row[type] ?? '', endedReason: row[ended_reason] ?? '' });
}

const sameStatus: Record<string, string | undefined> = {
  '': 'ended',
  completed: 'ended',
  complete: 'ended',
  closed: 'ended',
  done: 'ended',
  finished: 'ended',
  active: 'in-progress',
  running: 'in-progress',
  in_progress: 'in-progress',
};

/** A file without a status lists what has ended; others have words of their own for it. */
export function statusOf(text: string, endedStatus: 'ended' | 'untimed'): string {
  const status = sameStatus[text] ?? sameStatus[text.toLowerCase()] ?? text;
  return status === 'ended' ? endedStatus : status;
}
