/** First pause after a failure that names no time of its own; doubled with each further attempt. */
const backoffBaseMs = 500;
/** No pause of our own choosing is longer than this. */
const backoffMaxMs = 30_000;
/** A provider that asks for a longer pause than this is not waited for: the work stays queued instead. */
export const retryAfterMaxMs = 60_000;

/**
 * The pause before the next attempt, in milliseconds: never less than VAPI asked for, and growing with each
 * failure. Part of it is luck, so that many clients that failed together do not come back together.
 * @param failures how many attempts have failed, from 1
 * @param askedMs what Retry-After says, if there is one
 * @param random a number in [0, 1)
 */
export function pauseMs(failures: number, askedMs: number | undefined, random: number): number {
  const fullMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** (failures - 1));
  const ownMs = fullMs / 2 + (fullMs / 2) * random;
  return Math.max(ownMs, (askedMs ?? 0) * (1 + random / 10));
}

/**
 * What a Retry-After header asks for, in milliseconds from now: delta seconds or an HTTP date (RFC 9110 §10.2.3).
 * Undefined when there is no header or it cannot be read.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim();
  if (!text) {
    return undefined;
  }
  if (/^\d+(\.\d+)?$/.test(text)) {
    return Number(text) * 1000;
  }
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
