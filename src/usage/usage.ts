import type { User } from '../users/user.ts';
import type { Unit } from '../values/unit.ts';

export type QuotaState = 'ok' | 'warning' | 'critical' | 'exceeded';

/** What a user has used of one meter in the running period. Quantities and money are exact decimals as text. */
export interface QuotaUsage {
  meter: string;
  unit: Unit;
  /** Instants are ISO 8601 UTC; both null: a lifetime quota. */
  period: { start: string | null; end: string | null };
  /** Of the plan, in the unit; null: not limited by quantity. */
  limit: string | null;
  /** Extra allowance beside the limit. */
  granted: string;
  used: string;
  /** The part of `used` that corrections and resets make; negative after a reset. */
  adjusted: string;
  remaining: string | null;
  /** The part of `used` that is an estimate: of sessions whose end nobody told. */
  estimated: string;
  /** What running sessions have set aside of what remains. */
  reserved: string;
  /** Of the allowance or of the cost limit, whichever is nearer; null where there is neither. */
  percent: string | null;
  state: QuotaState;
  cost: string;
  costLimit: string | null;
  calls: number;
  onExceeded: 'block' | 'static_fallback' | 'limit_assistants';
  exhaustedAt: string | null;
  /** When it is used up at the pace of the period; null: not before its reset, or it cannot be said yet. */
  runsOutAt: string | null;
  /** When the period ends; null: never. */
  resetsAt: string | null;
}

export type AssistantStatus = 'untouched' | 'pending' | 'applied' | 'restored' | 'failed' | 'gone';

/** `untouched`: never limited, so nothing was ever recorded about it. */
export interface AssistantState {
  providerAssistantId: string;
  name: string | null;
  desired: 'limited' | 'original';
  status: AssistantStatus;
  /** By hand: whatever its user is; null: as its user is. */
  held: 'limited' | 'original' | null;
  /** Its calls are let in one by one by the gate: it is never limited. */
  gated: boolean;
  lastError: string | null;
}

export interface SubscriptionUsage {
  service: string;
  plan: string;
  timezone: string;
  maxAssistants: number | null;
  /** End of the oldest period that no reset has closed: in the past when a reset is due. */
  nextResetAt: string | null;
  limitEnforcedAt: string | null;
  quotas: QuotaUsage[];
  /** Of the voice service; empty for every other. */
  assistants: AssistantState[];
}

export interface UserUsage {
  user: User;
  subscriptions: SubscriptionUsage[];
  /** Assistants of a user who has no subscription of the voice service. */
  unsubscribedAssistants: AssistantState[];
}
