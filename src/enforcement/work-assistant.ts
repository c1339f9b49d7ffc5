import { isServerError } from '../db/database-error.ts';
import { QuotaError, tryAgainError } from '../errors.ts';
import type { VapiClient } from '../providers/vapi/client.ts';
import type { AssistantPatch, VapiAssistant } from '../providers/vapi/contract.ts';
import { isVapiNotFound, VapiUnavailableError } from '../providers/vapi/errors.ts';
import { sameFieldValue } from '../providers/vapi/patch.ts';
import { type Fields, pickFields } from './assistant-state.ts';
import { type FieldChange, type ForeignValue, planLimit, planRestore } from './limit-plan.ts';
import { type LimitResult, type LimitTask, resultOf } from './limit-task.ts';
import {
  type Claimant,
  recordApplied,
  recordFailed,
  recordGone,
  recordIntent,
  recordRestored,
} from './result-store.ts';
import { unknownOriginalError } from './unknown-original.ts';

/** What works on one assistant after the other. */
export interface Worker extends Claimant {
  provider: VapiClient;
  signal: AbortSignal;
  limitedState: (task: LimitTask) => Fields;
  /** Whether it is certain that nobody else works on an assistant. */
  isHeld: (assistantId: string) => boolean;
}

/** Somebody who edits an assistant just while it is being worked on is given way to this often. */
const roundsMax = 3;

/** What was planned for is no longer what is there. */
class ChangedMeanwhile extends Error {}
/** Another change was asked for, or the claim is no longer ours. */
class Superseded extends Error {}

/**
 * Brings one claimed assistant to its desired state: read, put the original aside, send what is missing, verify,
 * record. Wherever it breaks off, the next attempt begins with a look at what is there.
 * @throws what holds for every assistant alike: a refused key, an interruption, a failure of the database.
 */
export async function workAssistant(task: LimitTask, worker: Worker): Promise<LimitResult> {
  const adopted: ForeignValue[] = [];
  try {
    for (let round = 1; ; round++) {
      try {
        return await attempt(task, worker, adopted);
      } catch (error) {
        if (!(error instanceof ChangedMeanwhile) || round === roundsMax) {
          throw error;
        }
      }
    }
  } catch (error) {
    return recordFailure(error, task, worker);
  }
}

async function attempt(task: LimitTask, worker: Worker, adopted: ForeignValue[]): Promise<LimitResult> {
  const found = await worker.provider.getAssistant(task.providerAssistantId, { signal: worker.signal });
  return task.desired === 'limited' ? limit(task, found, worker, adopted) : restore(task, found, worker);
}

async function limit(
  task: LimitTask,
  found: VapiAssistant,
  worker: Worker,
  adopted: ForeignValue[],
): Promise<LimitResult> {
  const limited = worker.limitedState(task);
  const plan = planLimit(found, task, limited);
  if ('unknownOriginal' in plan) {
    throw unknownOriginalError(task.user, plan.unknownOriginal);
  }
  adopted.push(...plan.adopted);
  const isIntended = task.intents.some((intent) => sameFieldValue(intent, limited));
  const sending = plan.changes.length > 0 && !isIntended ? limited : null;
  if (plan.originalIsNew || sending !== null) {
    requireOurs(await recordIntent(worker, task, { ...plan, sending }));
    task.original = plan.original;
    task.intents = sending === null ? task.intents : [...task.intents, sending];
  }
  await send(task, plan.changes, worker);
  const original = pickFields(plan.original, Object.keys(limited));
  const outcome = { changes: plan.changes, foreign: adopted, original, applied: limited };
  requireOurs(await recordApplied(worker, task, outcome));
  return resultOf(task, { status: 'applied', changes: plan.changes, foreign: adopted });
}

async function restore(task: LimitTask, found: VapiAssistant, worker: Worker): Promise<LimitResult> {
  const plan = planRestore(found, task, worker.limitedState(task), task.exact);
  if ('unknownOriginal' in plan) {
    throw unknownOriginalError(task.user, plan.unknownOriginal);
  }
  await send(task, plan.changes, worker);
  const outcome = { changes: plan.changes, foreign: plan.kept };
  requireOurs(await recordRestored(worker, task, outcome));
  return resultOf(task, { status: 'restored', ...outcome });
}

/** Sends what is to be changed, if anything, and holds the answer against it. */
async function send(task: LimitTask, changes: readonly FieldChange[], worker: Worker): Promise<void> {
  if (changes.length === 0) {
    return;
  }
  const isHeld = () => worker.isHeld(task.assistantId);
  requireOurs(isHeld());
  const answer = await worker.provider.patchAssistant(task.providerAssistantId, patchOf(changes), {
    signal: worker.signal,
    recheck: (current) => stillNeeded(current, changes, isHeld),
  });
  const unmade = changes.filter(({ field, to }) => !sameFieldValue(answer[field], to));
  if (unmade.length > 0) {
    const fields = unmade.map(({ field }) => `${field} is ${JSON.stringify(answer[field]) ?? 'not set'}`);
    throw tryAgainError(`VAPI took the change but did not make it: ${fields.join('; ')}`);
  }
}

/** After an answer that was lost: what is to be sent again, or undefined when nothing is. */
function stillNeeded(
  current: VapiAssistant,
  changes: readonly FieldChange[],
  isHeld: () => boolean,
): AssistantPatch | undefined {
  const missing = changes.filter(({ field, to }) => !sameFieldValue(current[field], to));
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

function requireOurs(isOurs: boolean): void {
  if (!isOurs) {
    throw new Superseded();
  }
}

async function recordFailure(error: unknown, task: LimitTask, worker: Worker): Promise<LimitResult> {
  if (error instanceof Superseded) {
    return resultOf(task, { status: 'superseded' });
  }
  if (worker.signal.aborted || !isOfThisAssistant(error)) {
    throw error;
  }
  const words = error.message;
  if (isVapiNotFound(error)) {
    const isRecorded = await recordGone(worker, task, words);
    return resultOf(task, isRecorded ? { status: 'gone', error: words } : { status: 'superseded' });
  }
  const retryAfterMs = error instanceof VapiUnavailableError ? error.retryAfterMs : undefined;
  const isRecorded = await recordFailed(worker, task, { words, retryAfterMs });
  const isUnreachable = error instanceof VapiUnavailableError;
  return resultOf(
    task,
    isRecorded ? { status: 'failed', error: words, isUnreachable } : { status: 'superseded' },
  );
}

function isOfThisAssistant(error: unknown): error is Error {
  if (error instanceof VapiUnavailableError) {
    return error.reason !== 'auth';
  }
  // Class 22: a value of this assistant that PostgreSQL cannot hold, such as a text with a NUL in it.
  const isUnstorable = isServerError(error) && error.code.startsWith('22');
  return error instanceof QuotaError || error instanceof ChangedMeanwhile || isUnstorable;
}
