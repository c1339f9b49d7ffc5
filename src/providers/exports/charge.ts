import { createHash } from 'node:crypto';
import { epochMicros } from '../../values/instant-math.ts';

const dayMicros = 86_400_000_000;
/** The last second of a period that is written with its end in it: `23:59:59`, `23:59:59.999`. */
const lastSecondMicros = 1_000_000;
const digestLength = 12;

/**
 * Which part of a bill a sum or a fee states, as the text of a JSON object of its dimensions in the order of their
 * names; null is a dimension that the file does not have, `''` one that it has and leaves empty here. Another download of
 * the same bill states the same parts in the same words, whatever it says they cost; two downloads that share a dimension
 * and disagree in its value state different parts.
 */
export function chargeOf(dimensions: Readonly<Record<string, string | null | undefined>>): string {
  const named = Object.keys(dimensions).filter((name) => typeof dimensions[name] === 'string');
  const members = named.sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(dimensions[name])}`);
  return `{${members.join(',')}}`;
}

/** The time of day of a sum that is not of whole days: each hour is a part of its own. */
export function partOfDay(start: string, end: string | null): string | null {
  if (end === null) {
    return null;
  }
  const width = exclusiveEnd(end) - epochMicros(start);
  return width % dayMicros === 0 ? null : start.slice(11, -1);
}

/** The end of a period in microseconds, also where its last second is written in place of the first one after it. */
export function exclusiveEnd(end: string): number {
  const micros = epochMicros(end);
  const rest = (micros + lastSecondMicros) % (3600 * lastSecondMicros);
  return rest < lastSecondMicros ? micros + lastSecondMicros - rest : micros;
}

/** A model in the letters and digits of its name, without its release date: `Claude Haiku 4.5` is `claude-haiku-4-5-20251001`. */
export const modelKey = (model: string): string =>
  model
    .toLowerCase()
    .replace(/-(\d{4}-\d{2}-\d{2}|\d{8})$/, '')
    .replace(/^.*\/|-latest$/g, '')
    .replace(/[^\p{L}\p{N}]/gu, '');

/**
 * Tells rows of one download apart that agree in all that is read and differ in something else, such as a tier: only what
 * agrees in everything is a repetition.
 */
export const rowOf = (row: readonly string[]): string | null => digestOf(row.join('\t'));

/** The same of a JSON object as it stands in the file: pages may be indented each in its own way. */
export const recordOf = (text: string): string | null => digestOf(text.replace(/\s+/g, ''));

/** What names a person or opens a door, such as a key, in a form that only tells one from another; null for none. */
export const digestOf = (text: string): string | null =>
  text === '' ? null : createHash('sha256').update(text).digest('base64url').slice(0, digestLength);
