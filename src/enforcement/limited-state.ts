import type { Queries } from '../db/serial-queries.ts';
import { configurationError } from '../errors.ts';
import { patchComplaints } from '../providers/vapi/assistant-rules.ts';
import type { AssistantPatch } from '../providers/vapi/contract.ts';
import { readSmallFile } from '../small-file.ts';
import { isTooDeep, isTooDeepText } from '../values/nesting.ts';
import type { Fields } from './assistant-state.ts';
import { selectPlanStates } from './limited-state-store.ts';

/**
 * What a limited assistant is given where neither a file nor the plan says otherwise. Ten seconds is the least
 * that VAPI takes. In place of "end the call after 30 spoken words", which VAPI does not have, the call ends with
 * the last word of the notice: an endCallPhrase is listened for in what the assistant says, the notice is the
 * first thing that it says, and "goodbye" is its end. Of the other controls, model.maxTokens and a
 * call.timeElapsed hook can only be set by replacing the assistant's whole model or all its hooks, and
 * silenceTimeoutSeconds counts silence, not speech.
 */
export const defaultLimitedState = {
  maxDurationSeconds: 10,
  firstMessage:
    'Hello. This assistant has reached its usage limit for this month and cannot take calls now. Goodbye.',
  endCallPhrases: ['goodbye'],
} satisfies AssistantPatch;

/** Fields that VAPI would take, or was once thought to take, but that must not be part of a limit. */
const unfit: { readonly [field: string]: string } = {
  endCallAfterSpokenWords:
    'VAPI has no such field and refuses the whole request because of it; use maxDurationSeconds, or an endCallPhrases entry that the firstMessage ends with',
  model: 'a PATCH replaces the whole model with its prompt, which people edit while the assistant is limited',
  credentials: 'secrets do not belong in a limited state',
};

/**
 * Checks a limited state against VAPI's rules.
 * @param source where it comes from, for the message
 * @throws configurationError (exit 78) that names every field at fault.
 */
export function parseLimitedState(value: unknown, source: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unusable(source, ['it must be an object of assistant fields']);
  }
  const fields = value as Fields;
  const names = Object.keys(fields);
  const problems = names.flatMap((field) => (unfit[field] ? [`${field}: ${unfit[field]}`] : []));
  const rest = Object.fromEntries(Object.entries(fields).filter(([field]) => !(field in unfit)));
  problems.push(...patchComplaints(rest));
  if (names.length === 0) {
    problems.push('it limits nothing: it has no fields');
  }
  if (problems.length > 0) {
    throw unusable(source, problems);
  }
  return fields;
}

const unusable = (source: string, problems: string[]) =>
  configurationError(`the limited state of ${source} cannot be used: ${problems[0]}`, {
    detail: problems.length > 1 ? problems.join('\n') : undefined,
    suggestion: 'correct it; nothing was sent to VAPI',
  });

/**
 * The limited state of a file of JSON or YAML, or the default where there is none.
 * @throws configurationError when the file cannot be read or VAPI would refuse what it says
 */
export async function readLimitedState(path: string | undefined): Promise<Fields> {
  if (path === undefined) {
    return defaultLimitedState;
  }
  let text: string;
  try {
    text = readSmallFile(path);
  } catch (error) {
    throw configurationError(`the limited state ${path} cannot be read`, {
      detail: (error as Error).message,
      suggestion: 'correct --limited-state or QUOTA_LIMITED_STATE',
    });
  }
  if (isTooDeepText(text)) {
    throw unusable(path, ['it is nested too deeply']);
  }
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'error' }); // its warnings would be printed by the library itself
  } catch (error) {
    throw unusable(path, [
      error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message,
    ]);
  }
  if (isTooDeep(value)) {
    throw unusable(path, ['it is nested too deeply']);
  }
  return parseLimitedState(value, path);
}

/**
 * Checks the limited states that plans carry, all of them, before anything is sent.
 * @throws configurationError naming the plan
 */
export async function checkPlanStates(queries: Queries): Promise<void> {
  for (const { key, state } of await selectPlanStates(queries)) {
    parseLimitedState(state, `the plan ${key}`);
  }
}
