import { assistantDefaults } from '../providers/vapi/assistant-fields.ts';
import { sameFieldValue } from '../providers/vapi/patch.ts';
import { resembles } from './resemblance.ts';

/** Top-level fields of an assistant by name, as they go to and come from VAPI. */
export interface Fields {
  readonly [field: string]: unknown;
}

/** The legacy limit: the API's minimum, which nobody sets to talk to people. */
const legacyMaxDurationSeconds = 10;
/** Fields in which a limit, ours or another application's, shows by its value. */
export const telltaleFields = ['maxDurationSeconds', 'firstMessage'] as const;
/** "You have reached your monthly limit", "usage limit exceeded" and the like. */
const limitNotice =
  /\b(?:reached|exceeded|exhausted|used up|over)\b.{0,60}\b(?:limit|quota|allowance)\b|\b(?:limit|quota|allowance)\b.{0,40}\b(?:reached|exceeded|exhausted|used up)\b/is;

/** Those of `names` that are set on an assistant, with their values. */
export function pickFields(assistant: Fields, names: Iterable<string>): Fields {
  const present = [...names].filter((name) => assistant[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, assistant[name]]));
}

/** What to send so that a field is again as it was: its value, or what stands for "not set" in a PATCH. */
export function restoringValue(original: Fields, field: string): unknown {
  const value = original[field] ?? null;
  // Null clears a field, but what it does to a number with a minimum is undocumented: the default is sent.
  return value === null && Object.hasOwn(assistantDefaults, field)
    ? assistantDefaults[field as keyof typeof assistantDefaults]
    : value;
}

/** Whether a field has its original value, or the default that stands for an original that was not set. */
export function hasOriginalValue(found: Fields, original: Fields, field: string): boolean {
  return (
    sameFieldValue(found[field], original[field]) ||
    sameFieldValue(found[field], restoringValue(original, field))
  );
}

/** Whether the value of a field is that of a limit, ours or another application's: never an original (R7). */
export function isLimitedValue(field: string, value: unknown, limited: Fields): boolean {
  switch (field) {
    case 'maxDurationSeconds':
      return resembles(value, legacyMaxDurationSeconds);
    case 'firstMessage':
      return (
        typeof value === 'string' &&
        (limitNotice.test(value) ||
          (limited.firstMessage !== undefined && resembles(value, limited.firstMessage)))
      );
    default:
      return false;
  }
}

/**
 * Why an assistant that we have not limited must already be limited; undefined when it looks untouched. The
 * application that quota replaces limited assistants and lost their originals.
 */
export function limitedAlready(found: Fields, limited: Fields): string | undefined {
  const telltale = telltaleFields.find((field) => isLimitedValue(field, found[field], limited));
  if (telltale !== undefined) {
    return `${telltale} is ${JSON.stringify(found[telltale])}`;
  }
  const fields = Object.keys(limited);
  return fields.length > 1 && fields.every((field) => resembles(found[field], limited[field]))
    ? 'every field has its limited value'
    : undefined;
}
