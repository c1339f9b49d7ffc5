import { tryAgainError } from '../errors.ts';
import type { AssistantPatch, VapiAssistant } from '../providers/vapi/contract.ts';
import { sameFieldValue } from '../providers/vapi/patch.ts';
import { type Fields, pickFields } from './assistant-state.ts';
import { recordMade } from './doubt-store.ts';
import type { FieldChange } from './limit-plan.ts';
import type { LimitTask } from './limit-task.ts';
import { ChangedMeanwhile, requireOurs, type Worker } from './worker.ts';

interface Sending {
  /** The assistant as it was read. */
  found: VapiAssistant;
  changes: readonly FieldChange[];
  /** Whether a value in the answer is what was sent, be it in other clothes. */
  isMade: (value: unknown, to: unknown, field: string) => boolean;
}

/**
 * Sends what is to be changed, if anything, and holds the answer against it.
 * @returns the assistant as VAPI last said it is.
 * @throws tryAgainError when VAPI made something else of it, which is remembered as not being anybody's own value.
 */
export async function sendChanges(
  task: LimitTask,
  { found, changes, isMade }: Sending,
  worker: Worker,
): Promise<VapiAssistant> {
  if (changes.length === 0) {
    return found;
  }
  const isHeld = () => worker.isHeld(task.assistantId);
  requireOurs(isHeld());
  const answer = await worker.provider.patchAssistant(task.providerAssistantId, patchOf(changes), {
    signal: worker.signal,
    recheck: (current) => stillNeeded(current, { changes, isMade, isHeld }),
  });
  const unmade = changes.filter(({ field, to }) => !isMade(answer[field], to, field));
  if (unmade.length > 0) {
    const names = unmade.map(({ field }) => field);
    const made = { ...Object.fromEntries(names.map((field) => [field, null])), ...pickFields(answer, names) };
    requireOurs(await recordMade(worker, task, made));
    const words = names.map((field) => `${field} is ${JSON.stringify(answer[field]) ?? 'not set'}`);
    throw tryAgainError(`VAPI took the change but did not make it: ${words.join('; ')}`);
  }
  return answer;
}

/** Sends fields whatever the assistant has, and gives it as VAPI answers that it is. */
export async function sendFields(task: LimitTask, fields: Fields, worker: Worker): Promise<VapiAssistant> {
  requireOurs(worker.isHeld(task.assistantId));
  return worker.provider.patchAssistant(task.providerAssistantId, fields as AssistantPatch, {
    signal: worker.signal,
    recheck: () => fields as AssistantPatch,
  });
}

/** After an answer that was lost: what is to be sent again, or undefined when nothing is. */
function stillNeeded(
  current: VapiAssistant,
  { changes, isMade, isHeld }: Pick<Sending, 'changes' | 'isMade'> & { isHeld: () => boolean },
): AssistantPatch | undefined {
  const missing = changes.filter(({ field, to }) => !isMade(current[field], to, field));
  if (missing.length === 0) {
    return undefined;
  }
  if (missing.some(({ field, from }) => !sameFieldValue(current[field], from))) {
    throw new ChangedMeanwhile('somebody else changes the assistant at the same time');
  }
  requireOurs(isHeld());
  return patchOf(missing);
}

/** Limited states are checked when they are read, and originals were accepted by VAPI before. */
const patchOf = (changes: readonly FieldChange[]) =>
  Object.fromEntries(changes.map(({ field, to }) => [field, to])) as AssistantPatch;
