import { sameFieldValue } from '../providers/vapi/patch.ts';
import type { Fields } from './assistant-state.ts';
import { recordDoubt, recordSettled } from './doubt-store.ts';
import { type ForeignValue, knownFields, withValues } from './limit-plan.ts';
import type { LimitTask } from './limit-task.ts';
import { resembles } from './resemblance.ts';
import type { Claimant } from './result-store.ts';

interface Settling extends Claimant {
  /** Sends fields, and gives the assistant as VAPI answers it is now. */
  sendAgain: (fields: Fields) => Promise<Fields>;
}

/**
 * Finds out whose the values are that were met while an answer was missing. Only an experiment can tell: what was
 * sent then is sent again, and what VAPI makes of it now it has made of it before. A value that is none of that is
 * somebody's, and the one to restore. What was met is written down before anything is sent, so that a crash loses
 * nothing.
 * @returns the values that are somebody's; undefined when the claim is not ours any more.
 */
export async function settleDoubt(
  task: LimitTask,
  doubts: readonly ForeignValue[],
  settling: Settling,
): Promise<ForeignValue[] | undefined> {
  const met = withDoubts(task.doubtful, doubts);
  if (!(await recordDoubt(settling, task, met))) {
    return undefined;
  }
  const made: Fields[] = [...task.made];
  const theirs: ForeignValue[] = [];
  for (const [field, values] of Object.entries(met)) {
    const fromSent = await makeAgain(field, values, task, settling);
    made.push(...fromSent.map((value) => ({ [field]: value ?? null })));
    const value = values.findLast((one) => !fromSent.some((ours) => resembles(one, ours)));
    if (value !== undefined) {
      // Null stands for "not set".
      theirs.push({ field, value: value ?? undefined });
    }
  }
  const original = withValues(task.original ?? {}, theirs);
  const absent = [...knownFields(task)].filter((field) => !Object.hasOwn(original, field));
  const adopted = theirs.map(({ field }) => field);
  if (!(await recordSettled(settling, task, { original, made, adopted, absent }))) {
    return undefined;
  }
  task.original = original;
  task.made = made;
  task.doubtful = {};
  return theirs;
}

/** What VAPI makes of everything that was sent for a field, the latest first, until all that was met is explained. */
async function makeAgain(
  field: string,
  met: readonly unknown[],
  { intents }: LimitTask,
  { sendAgain }: Settling,
): Promise<unknown[]> {
  const made: unknown[] = [];
  const sent: unknown[] = [];
  for (const intent of [...intents].reverse()) {
    const isNew = Object.hasOwn(intent, field) && !sent.some((value) => sameFieldValue(value, intent[field]));
    const isOpen = met.some((value) => !made.some((ours) => resembles(value, ours)));
    if (isNew && isOpen) {
      sent.push(intent[field]);
      made.push((await sendAgain({ [field]: intent[field] ?? null }))[field]);
    }
  }
  return made;
}

/** What was met before, and now beside it. */
function withDoubts(doubtful: LimitTask['doubtful'], doubts: readonly ForeignValue[]): LimitTask['doubtful'] {
  const met: { [field: string]: readonly unknown[] } = { ...doubtful };
  for (const { field, value } of doubts) {
    const before = (met[field] ?? []).filter((one) => !sameFieldValue(one, value));
    met[field] = [...before, value ?? null];
  }
  return met;
}
