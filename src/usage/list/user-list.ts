import type { QuotaState, QuotaUsage } from '../usage.ts';

/** What is listed; without conditions every user, one entry per subscription. */
export interface UserListFilter {
  services: readonly string[];
  plans: readonly string[];
  states: readonly QuotaState[];
  /** Only where assistants are limited, or queued to be. */
  limited: boolean;
  /** Part of an external id, email or name, in any case. */
  search: string | undefined;
}

export type UserListOrder = 'name' | 'percent';

export interface UserListRequest extends UserListFilter {
  order: UserListOrder;
  /** The `next` of the page before. */
  after: string | undefined;
  /** Undefined: all there are. */
  limit: number | undefined;
}

/** A user and a subscription, with the meter of it that is nearest to its limit; null without subscription. */
export interface UserListEntry {
  id: string;
  externalId: string;
  email: string | null;
  name: string | null;
  service: string | null;
  plan: string | null;
  meter: string | null;
  unit: QuotaUsage['unit'] | null;
  limit: string | null;
  granted: string | null;
  used: string | null;
  remaining: string | null;
  percent: string | null;
  state: QuotaState | null;
  /** When that meter is used up at its pace, where that is before its reset. */
  runsOutAt: string | null;
  limitEnforcedAt: string | null;
  nextResetAt: string | null;
}
