/** How far the rows of a table in another database were followed at a moment, by its own clock. */
export interface Mark {
  /** As text, as the server writes it. */
  seen: string;
  /** The largest value that was read, and never later than that moment; null: none. */
  at: string | null;
}

/** Where a row is in the order in which rows are followed. */
export interface Position {
  at: string;
  key: string[];
}

/**
 * How far a source is followed. A row becomes visible when its transaction commits, and has got its value before: one
 * that commits within the look-back window is read, however far the others are by then. So a look begins where the one
 * before it was the length of the window before.
 */
export interface FollowMarks {
  /** When the last look began that was through. */
  seen: string;
  /** The largest value that was read, and never later than its moment. */
  reached: string | null;
  /** The oldest first. */
  marks: Mark[];
  /** The look that is under way. */
  look: { seen: string; from: string | null; position: Position | null } | null;
}

/** Numbers that transactions may have drawn, and not committed, while a product is attached. */
export const idsBefore = 10_000;

/** Closer together they tell nothing more. */
const marksPerWindow = 20;
const msPerMinute = 60_000;

const msOf = (seen: string) => Date.parse(seen.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));

/** Where the next look begins. */
export function beginLook(
  { seen, marks }: FollowMarks,
  now: string,
  lookBackMinutes: number,
): NonNullable<FollowMarks['look']> {
  const before = msOf(seen) - lookBackMinutes * msPerMinute;
  const mark = marks.findLast((one) => msOf(one.seen) <= before) ?? marks[0];
  return { seen: now, from: mark?.at ?? null, position: null };
}

/** A mark more, and none that no look will begin at any more. */
export function withMark(
  { seen, marks, look }: FollowMarks,
  mark: Mark,
  lookBackMinutes: number,
): FollowMarks {
  const windowMs = lookBackMinutes * msPerMinute;
  const before = msOf(seen) - windowMs;
  const first = Math.max(
    0,
    marks.findLastIndex((one) => msOf(one.seen) <= before),
  );
  const kept = marks.slice(first);
  const last = kept.at(-1);
  const isFar = last === undefined || msOf(mark.seen) - msOf(last.seen) >= windowMs / marksPerWindow;
  return { seen, reached: mark.at, marks: isFar ? [...kept, mark] : kept, look };
}
