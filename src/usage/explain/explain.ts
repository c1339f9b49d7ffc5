import type { User } from '../../users/user.ts';
import type { Unit } from '../../values/unit.ts';
import type { Allowance } from '../record-store.ts';

/** What changes a quota or what follows from it, the oldest first. Quantities are exact decimals as text. */
export interface QuotaEvent {
  /** ISO 8601 UTC; of a group of calls: the first. */
  at: string;
  /** Of a group of calls: the last; else null. */
  until: string | null;
  /** `period`, `calls`, `adjustment`, `grant`, `threshold`, or the action of an audit row. */
  kind: string;
  /** How many calls; null for everything else. */
  calls: number | null;
  /** What it adds to the usage, negative for a reset; null: nothing. */
  quantity: string | null;
  /** The usage after it. */
  balance: string;
  who: string | null;
  why: string | null;
  text: string;
}

/** The story of one meter in one period. */
export interface QuotaStory {
  meter: string;
  unit: Unit;
  /** Both null: a lifetime. */
  period: { start: string | null; end: string | null };
  limit: string | null;
  costLimit: string | null;
  granted: string;
  used: string;
  cost: string;
  /** When it is used up at the pace of the running period; null: not before its reset, or it cannot be said. */
  runsOutAt: string | null;
  events: QuotaEvent[];
}

export interface Explanation {
  user: User;
  service: string;
  plan: string;
  limitEnforcedAt: string | null;
  quotas: QuotaStory[];
  /** What an app that asks now is answered: why the user is blocked, or not. */
  answer: Allowance;
}
