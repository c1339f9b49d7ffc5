import type { Fields } from './assistant-state.ts';
import type { FieldChange, ForeignValue, Recorded } from './limit-plan.ts';

export type Desired = 'limited' | 'original';

/** One assistant of the queue, and what is to become of it. */
export interface LimitTask extends Recorded {
  assistantId: string;
  providerAssistantId: string;
  name: string | null;
  userId: string;
  /** The user's external id. */
  user: string;
  desired: Desired;
  /** Before this attempt. */
  status: 'pending' | 'failed' | 'applied' | 'restored' | 'gone';
  /** What was asked for last; results are recorded for this change only. */
  change: string;
  /** Whether the original is to be put back whatever is found. */
  exact: boolean;
  /** By field the values that were met while an answer was missing, oldest first; null where there was none. */
  doubtful: { readonly [field: string]: readonly unknown[] };
  /** The organisation that the assistant was last read from; null: not read yet. */
  organisation: string | null;
  /** The limited state of the user's plan, as stored; null: the configured one. */
  planState: Fields | null;
}

/** `superseded`: something else was asked for in the meantime, and stays queued. */
export type LimitOutcome = 'applied' | 'restored' | 'failed' | 'gone' | 'superseded';

/** How an attempt ended. */
export interface LimitResult {
  user: string;
  providerAssistantId: string;
  name: string | null;
  desired: Desired;
  status: LimitOutcome;
  /** What was sent and confirmed; empty when the assistant was as desired already. */
  changes: readonly FieldChange[];
  /** Values of somebody else: adopted as the original (limited), or left in place (restored). */
  foreign: readonly ForeignValue[];
  error: string | null;
  /** Whether it was recorded as limited already and only looked at again. */
  isRecheck: boolean;
  /** Whether it was recorded as gone already, and is. */
  isStillGone: boolean;
  /** Whether it was VAPI as a whole that failed, not this assistant. */
  isUnreachable: boolean;
}

export const resultOf = (
  { user, providerAssistantId, name, desired, status }: LimitTask,
  outcome: Pick<LimitResult, 'status'> & Partial<LimitResult>,
): LimitResult => ({
  user,
  providerAssistantId,
  name,
  desired,
  changes: [],
  foreign: [],
  error: null,
  isRecheck: status === 'applied' && desired === 'limited',
  isStillGone: status === 'gone',
  isUnreachable: false,
  ...outcome,
});
