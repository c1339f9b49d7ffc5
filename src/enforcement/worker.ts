import { isServerError } from '../db/database-error.ts';
import { QuotaError } from '../errors.ts';
import type { VapiClient } from '../providers/vapi/client.ts';
import { isVapiNotFound, VapiUnavailableError } from '../providers/vapi/errors.ts';
import type { Fields } from './assistant-state.ts';
import { type KeyOrganisation, WrongProviderError } from './key-organisation.ts';
import { type LimitResult, type LimitTask, resultOf } from './limit-task.ts';
import type { MissingAssistants } from './missing-assistants.ts';
import { type Claimant, recordFailed } from './result-store.ts';

/** What works on one assistant after the other. */
export interface Worker extends Claimant {
  provider: VapiClient;
  organisation: KeyOrganisation;
  missing: MissingAssistants;
  /** Takes secrets out of what is kept of a failure. */
  redact: (text: string) => string;
  signal: AbortSignal;
  limitedState: (task: LimitTask) => Fields;
  /** Whether it is certain that nobody else works on an assistant. */
  isHeld: (assistantId: string) => boolean;
}

/** What was planned for is no longer what is there. */
export class ChangedMeanwhile extends Error {}
/** Another change was asked for, or the claim is no longer ours. */
class Superseded extends Error {}

export function requireOurs(isOurs: boolean): asserts isOurs {
  if (!isOurs) {
    throw new Superseded();
  }
}

/**
 * Records how an attempt failed.
 * @returns undefined for an assistant that VAPI does not know: it is held until the run ends, see `MissingAssistants`.
 * @throws the error, where it holds for every assistant alike.
 */
export async function recordFailure(
  error: unknown,
  task: LimitTask,
  worker: Worker,
): Promise<LimitResult | undefined> {
  if (error instanceof Superseded) {
    return resultOf(task, { status: 'superseded' });
  }
  if (worker.signal.aborted || !isOfThisAssistant(error)) {
    throw error;
  }
  const words = worker.redact(error.message);
  if (isVapiNotFound(error)) {
    try {
      await worker.organisation.requireKnown(worker.queries, worker.signal);
    } catch (unknown) {
      return recordFailure(unknown, task, worker);
    }
    worker.missing.hold(task, words, worker.organisation);
    return undefined;
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
  const isOfOne = error instanceof QuotaError && !(error instanceof WrongProviderError);
  return isOfOne || error instanceof ChangedMeanwhile || isUnstorable;
}
