import { isDeepStrictEqual } from 'node:util';
import type { AssistantPatch, VapiAssistant } from './contract.ts';

/** Whether two values of an assistant's field mean the same. VAPI prints a cleared field as null or not at all. */
export function sameFieldValue(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one ?? null, other ?? null);
}

/** The part of a patch that an assistant does not have yet; undefined when it has all of it. */
export function patchStillNeeded(current: VapiAssistant, patch: AssistantPatch): AssistantPatch | undefined {
  const missing = Object.entries(patch).filter(([field, value]) => !sameFieldValue(current[field], value));
  return missing.length === 0 ? undefined : (Object.fromEntries(missing) as AssistantPatch);
}
