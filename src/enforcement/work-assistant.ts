import type { VapiAssistant } from '../providers/vapi/contract.ts';
import { isVapiNotFound } from '../providers/vapi/errors.ts';
import { sameFieldValue } from '../providers/vapi/patch.ts';
import { type Fields, hasOriginalValue, pickFields } from './assistant-state.ts';
import { recordStillGone, reviveClaimed } from './gone-store.ts';
import { doubtsOf, type ForeignValue, planLimit, planRestore } from './limit-plan.ts';
import { type LimitResult, type LimitTask, resultOf } from './limit-task.ts';
import { noteOrganisation } from './organisation-store.ts';
import { resembles } from './resemblance.ts';
import { recordApplied, recordIntent, recordRestored } from './result-store.ts';
import { sendChanges, sendFields } from './send-changes.ts';
import { settleDoubt } from './settle-doubt.ts';
import { unknownOriginalError } from './unknown-original.ts';
import { ChangedMeanwhile, recordFailure, requireOurs, type Worker } from './worker.ts';

/** Somebody who edits an assistant just while it is being worked on is given way to this often. */
const roundsMax = 4;

/**
 * Brings one claimed assistant to its desired state: read, put the original aside, send what is missing, verify,
 * record. Wherever it breaks off, the next attempt begins with a look at what is there.
 * @returns undefined when VAPI does not know it: what that means is decided when the run is at its end.
 * @throws what holds for every assistant alike: a refused key, an interruption, a failure of the database.
 */
export async function workAssistant(task: LimitTask, worker: Worker): Promise<LimitResult | undefined> {
  const theirs: ForeignValue[] = [];
  try {
    for (let round = 1; ; round++) {
      try {
        return await attempt(task, worker, theirs);
      } catch (error) {
        if (!(error instanceof ChangedMeanwhile) || round === roundsMax) {
          throw error;
        }
      }
    }
  } catch (error) {
    if (task.status === 'gone' && isVapiNotFound(error)) {
      await recordStillGone(worker, task.assistantId);
      return resultOf(task, { status: 'gone', error: error.message });
    }
    return recordFailure(error, task, worker);
  }
}

async function attempt(task: LimitTask, worker: Worker, theirs: ForeignValue[]): Promise<LimitResult> {
  const found = await readAssistant(task, worker);
  if (task.status === 'gone') {
    const revived = await reviveClaimed(worker, task);
    requireOurs(revived !== undefined);
    Object.assign(task, revived, { status: 'pending' });
  }
  const limited = worker.limitedState(task);
  const doubts = task.exact ? [] : doubtsOf(found, task, limited);
  if (!task.exact && (doubts.length > 0 || Object.keys(task.doubtful).length > 0)) {
    theirs.push(...(await settle(task, doubts, worker)));
    throw new ChangedMeanwhile('it is not the same after what was found out about it');
  }
  return task.desired === 'limited'
    ? limit(task, { found, limited, theirs }, worker)
    : restore(task, { found, limited, theirs }, worker);
}

async function readAssistant(task: LimitTask, worker: Worker): Promise<VapiAssistant> {
  const found = await worker.provider.getAssistant(task.providerAssistantId, { signal: worker.signal });
  worker.organisation.see(found);
  if (typeof found.orgId === 'string' && found.orgId !== task.organisation) {
    await noteOrganisation(worker.queries, task.assistantId, found.orgId);
    task.organisation = found.orgId;
  }
  return found;
}

async function settle(task: LimitTask, doubts: ForeignValue[], worker: Worker): Promise<ForeignValue[]> {
  const theirs = await settleDoubt(task, doubts, {
    ...worker,
    sendAgain: (fields) => sendFields(task, fields, worker),
  });
  requireOurs(theirs !== undefined);
  return theirs;
}

interface Look {
  found: VapiAssistant;
  limited: Fields;
  /** Values of somebody else that were met on the way here. */
  theirs: ForeignValue[];
}

async function limit(
  task: LimitTask,
  { found, limited, theirs }: Look,
  worker: Worker,
): Promise<LimitResult> {
  const plan = planLimit(found, task, limited);
  if ('unknownOriginal' in plan) {
    throw unknownOriginalError(task.user, plan.unknownOriginal);
  }
  theirs.push(...plan.adopted);
  await intend(task, { ...plan, sending: plan.changes.length > 0 ? limited : null }, worker);
  const answer = await sendChanges(task, { found, changes: plan.changes, isMade: resembles }, worker);
  const fields = Object.keys(limited);
  const made = fields.every((field) => sameFieldValue(answer[field], limited[field]))
    ? null
    : pickFields(answer, fields);
  const outcome = { changes: plan.changes, foreign: theirs, applied: limited, made };
  requireOurs(await recordApplied(worker, task, { ...outcome, original: pickFields(plan.original, fields) }));
  return resultOf(task, { status: 'applied', changes: plan.changes, foreign: theirs });
}

async function restore(
  task: LimitTask,
  { found, limited, theirs }: Look,
  worker: Worker,
): Promise<LimitResult> {
  const plan = planRestore(found, task, limited, task.exact);
  if ('unknownOriginal' in plan) {
    throw unknownOriginalError(task.user, plan.unknownOriginal);
  }
  const original = task.original ?? {};
  const sending = Object.fromEntries(plan.changes.map(({ field, to }) => [field, to]));
  await intend(
    task,
    { original, originalIsNew: false, originalFields: [], sending: plan.changes.length > 0 ? sending : null },
    worker,
  );
  const isMade = (value: unknown, to: unknown, field: string) =>
    resembles(value, to) || hasOriginalValue({ [field]: value }, original, field);
  await sendChanges(task, { found, changes: plan.changes, isMade }, worker);
  const outcome = { changes: plan.changes, foreign: [...theirs, ...plan.kept] };
  requireOurs(await recordRestored(worker, task, outcome));
  return resultOf(task, { status: 'restored', ...outcome });
}

/** Writes down what is about to be sent, where that is not written yet, and an original that is new. */
async function intend(
  task: LimitTask,
  intent: Parameters<typeof recordIntent>[2],
  worker: Worker,
): Promise<void> {
  const isIntended = task.intents.some((known) => sameFieldValue(known, intent.sending));
  const sending = isIntended ? null : intent.sending;
  if (!intent.originalIsNew && sending === null) {
    return;
  }
  requireOurs(await recordIntent(worker, task, { ...intent, sending }));
  task.original = intent.original;
  task.intents = sending === null ? task.intents : [...task.intents, sending];
}
