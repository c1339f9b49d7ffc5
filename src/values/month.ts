import type { Grammar } from './grammar.ts';
import { parseDay } from './instant.ts';

/** A calendar month, `2026-10`. */
export const month: Grammar<string> = {
  parse(text) {
    const trimmed = text.trim();
    return parseDay(`${trimmed}-01`) === null ? null : trimmed;
  },
  describeProblem: () => ({ reason: 'is not a month', suggestion: 'write it like 2026-10' }),
};

/** `2026-10-01` to `2026-10-31` of `2026-10`. */
export function daysOfMonth(month: string): string[] {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from({ length: count }, (_, index) => `${month}-${String(index + 1).padStart(2, '0')}`);
}

/** The last whole month before an instant: `2026-10`. */
export function monthBefore(instant: string): string {
  const date = new Date(instant);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}
