/** Those that a roll-up does not keep are read from the calls themselves. */
export const callTraits = ['assistant', 'hour'] as const;
export type CallTrait = (typeof callTraits)[number];

/** Refusals are no calls: their rows are in `refusals`. */
export const usageDimensions = ['day', 'service', 'plan', 'user', 'model', ...callTraits, 'refusal'] as const;
export type UsageDimension = (typeof usageDimensions)[number];

export interface UsageReportRequest {
  /** The first and the last day, UTC, both included: `2026-10-01`. */
  from: string;
  to: string;
  by: UsageDimension;
  /** Null: all. */
  service: string | null;
  /** At most so many users, assistants and forecasts. */
  top: number;
}

/** Sums of calls. Seconds are of all services that are metered in time; calls without a cost are priced by their plan. */
export interface UsageSums {
  calls: number;
  errors: number;
  activeUsers: number;
  seconds: string;
  messages: string;
  premiumMessages: string;
  cost: string;
  tokens: string;
  /** Told as such, else of the files of calls. */
  bytes: string;
}

export interface DayUsage extends UsageSums {
  day: string;
  /** How often users were told no. */
  refused: number;
}

/** How often users of a plan were told no for a reason, as `quota.check` names it. */
export interface Refusals {
  /** `--by refusal` counts each day by itself; null: the whole range. */
  day: string | null;
  service: string;
  /** Empty: of a user that nobody knows. */
  plan: string;
  reason: string;
  refused: number;
}

/** What the calls of the running month (UTC) cost. */
export interface CostForecast {
  calls: number;
  /** So far. */
  cost: string;
  /** At the end of the month, at the present pace; null: nothing can be said yet. */
  forecast: string | null;
}

export interface PlanCostForecast extends CostForecast {
  service: string;
  plan: string;
}

/** `key` is a day, a service, a plan, a user's external id, a model, an assistant's id or an hour, `00` to `23` UTC. */
export interface UsageRow extends UsageSums {
  key: string;
}

/** What a person reads of a row; calls that tell no plan, model or assistant have an empty key. */
export const usageRowName = (by: UsageDimension, { key }: UsageRow): string =>
  key === '' ? `no ${by}` : key;

/** A plan's meter in the periods that are running now. */
export interface PlanUtilization {
  service: string;
  plan: string;
  name: string;
  meter: string;
  unit: string;
  subscribers: number;
  /** Used something in their running period. */
  active: number;
  /** Past a warning, with something left. */
  warned: number;
  exceeded: number;
  used: string;
  /** Of all subscribers together; null: no limit. */
  allowance: string | null;
  percent: string | null;
  cost: string;
  /** The cost limits, or what the allowances cost at the price of the plan; null: neither. */
  costAllowance: string | null;
  costPercent: string | null;
}

/** Somebody who uses up an allowance before it is reset, at the mean pace of the running period. */
export interface Forecast {
  user: string;
  userId: string;
  service: string;
  plan: string;
  meter: string;
  unit: string;
  used: string;
  allowance: string | null;
  cost: string;
  costLimit: string | null;
  percent: string;
  /** Units of the meter per day. */
  perDay: string | null;
  runsOutAt: string;
  /** Null: never. */
  resetsAt: string | null;
  /** What runs out: the allowance, or the money. */
  limit: 'quantity' | 'cost';
}

export interface UsageReport {
  from: string;
  to: string;
  by: UsageDimension;
  service: string | null;
  asOf: string;
  totals: UsageSums;
  /** Every day of the range, those without a call included. */
  days: DayUsage[];
  /** None by refusal. */
  rows: UsageRow[];
  refusals: { total: number; rows: Refusals[] };
  /** `month`: `2026-10`. Those that cost most first. */
  costs: { month: string; total: CostForecast; plans: PlanCostForecast[] };
  plans: PlanUtilization[];
  /** The first to run out first; `total` counts those that `top` leaves out, too. */
  forecasts: { total: number; first: Forecast[] };
  /** Days that `jobs roll-up-analytics` has still to do; here they are summed from the calls. */
  daysToRollUp: number;
}
