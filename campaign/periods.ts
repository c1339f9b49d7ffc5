import { Temporal } from 'temporal-polyfill';

export interface Period {
  startMs: number;
  endMs: number;
}

/** R2 once more, by somebody else: boundary k is the anchor's clock time and k months, never chained. */
export function monthOf(anchor: Temporal.PlainDateTime, zone: string, atMs: number): Period {
  const boundary = (k: number) =>
    anchor.add({ months: k }).toZonedDateTime(zone, { disambiguation: 'later' }).epochMilliseconds;
  let k = Math.floor((atMs - boundary(0)) / (31 * 86_400_000)) - 1;
  while (boundary(k + 1) <= atMs) {
    k += 1;
  }
  while (boundary(k) > atMs) {
    k -= 1;
  }
  return { startMs: boundary(k), endMs: boundary(k + 1) };
}

/** The midnight of a signup, where the user lives. */
export function signupAnchor(signup: string, zone: string): Temporal.PlainDateTime {
  return Temporal.Instant.from(signup).toZonedDateTimeISO(zone).toPlainDate().toPlainDateTime();
}

export const calendarAnchor = Temporal.PlainDateTime.from('2000-01-01T00:00');
export const ever: Period = { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
