import {
  type Fields,
  hasOriginalValue,
  isLimitedValue,
  limitedAlready,
  pickFields,
  restoringValue,
} from './assistant-state.ts';
import { resembles } from './resemblance.ts';

/** What is recorded of an assistant: the columns of assistant_limits with these names. */
export interface Recorded {
  /** The limited fields as they were; null, or nothing at all, for one that was not set. */
  original: Fields | null;
  applied: Fields | null;
  /** What was, or was about to be, sent since an answer was seen: VAPI may have any of it. */
  intents: readonly Fields[];
  /** What VAPI was seen to make of what was sent, or what another application's limit was: nobody's own values. */
  made: readonly Fields[];
}

/** A field to be changed at the provider. `from` is undefined where it was not set. */
export interface FieldChange {
  field: string;
  from: unknown;
  to: unknown;
}

/** A value of somebody else's that was met in a limited field; undefined where it was taken out. */
export interface ForeignValue {
  field: string;
  value: unknown;
}

export interface LimitPlan {
  changes: FieldChange[];
  /** To be recorded before anything is sent, where it differs from what is. */
  original: Fields;
  originalIsNew: boolean;
  /** Fields of `original` and those that were not set. */
  originalFields: string[];
  /** Values found in place of the limit or the original: from now on the ones to restore. */
  adopted: ForeignValue[];
}

/** Why an assistant can be neither limited nor restored: its original is not known. */
export interface UnknownOriginal {
  unknownOriginal: string;
}

/**
 * What has to be done to limit an assistant (or to keep it limited), from what was found at the provider, what is
 * recorded, and the limited state. Never takes an already limited state for the original, nor what the provider
 * made of one.
 */
export function planLimit(found: Fields, recorded: Recorded, limited: Fields): LimitPlan | UnknownOriginal {
  if (recorded.original === null) {
    const telltale = limitedAlready(found, limited);
    if (telltale !== undefined) {
      return { unknownOriginal: telltale };
    }
    const originalFields = Object.keys(limited);
    const original = pickFields(found, originalFields);
    return { changes: changesTo(limited, found), original, originalIsNew: true, originalFields, adopted: [] };
  }
  const known = knownFields(recorded);
  const fresh = Object.keys(limited).filter((field) => !known.has(field));
  const adopted = Object.keys(limited)
    .filter((field) => known.has(field) && isForeign(found, recorded, limited, field))
    .map((field) => ({ field, value: found[field] }));
  const newcomers = [...fresh.map((field) => ({ field, value: found[field] })), ...adopted];
  return {
    changes: [...changesTo(limited, found), ...liftedChanges(found, recorded, limited)],
    original: withValues(recorded.original, newcomers),
    originalIsNew: newcomers.length > 0,
    originalFields: [...known, ...fresh],
    adopted,
  };
}

export interface RestorePlan {
  changes: FieldChange[];
  /** Fields that somebody changed since the limit: theirs is kept. */
  kept: ForeignValue[];
}

/**
 * What has to be done to give an assistant back what it had: a three-way merge of original, applied and found for
 * each field. With `exact` the original is put back whatever is found.
 */
export function planRestore(
  found: Fields,
  recorded: Recorded,
  limited: Fields,
  exact: boolean,
): RestorePlan | UnknownOriginal {
  const { original, applied, intents, made } = recorded;
  const telltale = limitedAlready(found, limited);
  if (original === null) {
    return telltale === undefined ? { changes: [], kept: [] } : { unknownOriginal: telltale };
  }
  const isOfKnownLimit = applied !== null || intents.length > 0 || made.length > 0;
  const plan: RestorePlan = { changes: [], kept: [] };
  for (const field of knownFields(recorded)) {
    if (hasOriginalValue(found, original, field)) {
      continue;
    }
    // A limit that another application has put on is taken off as a whole where its values are not recorded.
    const isLimit = isOfKnownLimit ? !isForeign(found, recorded, limited, field) : telltale !== undefined;
    const to = restoringValue(original, field);
    if (exact || isLimit) {
      plan.changes.push({ field, from: found[field], to });
    } else if (!resembles(found[field], to)) {
      plan.kept.push({ field, value: found[field] });
    }
  }
  return plan;
}

/**
 * Values that may be somebody's or what the provider made of what was sent, because the answer to it was never seen.
 * Nothing can be planned before that is known.
 */
export function doubtsOf(found: Fields, recorded: Recorded, limited: Fields): ForeignValue[] {
  if (recorded.original === null) {
    return [];
  }
  const unanswered = new Set(recorded.intents.flatMap((intent) => Object.keys(intent)));
  return [...unanswered]
    .filter((field) => isForeign(found, recorded, limited, field))
    .filter((field) => !resembles(found[field], restoringValue(recorded.original ?? {}, field)))
    .map((field) => ({ field, value: found[field] }));
}

/** Fields with some of them replaced; those whose value is undefined are taken out. */
export function withValues(fields: Fields, values: readonly ForeignValue[]): Fields {
  const replaced = { ...fields, ...Object.fromEntries(values.map(({ field, value }) => [field, value])) };
  return Object.fromEntries(Object.entries(replaced).filter(([, value]) => value !== undefined));
}

/** Every field whose original is known, be it that it was not set. */
export function knownFields({ original, applied, intents, made }: Recorded): Set<string> {
  return new Set([original, applied, ...intents, ...made].flatMap((fields) => Object.keys(fields ?? {})));
}

/** Whether a limited field has a value that is neither the original nor that of a limit, as sent or as made of it. */
function isForeign(
  found: Fields,
  { original, applied, intents, made }: Recorded,
  limited: Fields,
  field: string,
) {
  const value = found[field];
  const isOurs = [applied, limited, ...intents, ...made].some(
    (state) => state !== null && Object.hasOwn(state, field) && resembles(value, state[field]),
  );
  return !isOurs && !hasOriginalValue(found, original ?? {}, field) && !isLimitedValue(field, value, limited);
}

const changesTo = (wanted: Fields, found: Fields): FieldChange[] =>
  Object.entries(wanted)
    .filter(([field, value]) => !resembles(found[field], value))
    .map(([field, value]) => ({ field, from: found[field], to: value }));

/** Fields that were limited once and are not part of the limited state any more. */
function liftedChanges(found: Fields, recorded: Recorded, limited: Fields): FieldChange[] {
  const original = recorded.original ?? {};
  return [...knownFields(recorded)]
    .filter((field) => !Object.hasOwn(limited, field) && !hasOriginalValue(found, original, field))
    .filter((field) => !isForeign(found, recorded, limited, field))
    .map((field) => ({ field, from: found[field], to: restoringValue(original, field) }));
}
