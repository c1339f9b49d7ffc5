/** The terms of one meter in a plan. Quantities and money are exact decimals as text, without trailing zeros. */
export interface LimitDefinition {
  meter: string;
  /** In the unit of the meter; null: not limited by quantity. */
  limit: string | null;
  costLimit: string | null;
  /** Per minute (meters in seconds) or per message. */
  unitPrice: string | null;
  /** `1 month`, as `intervalText` writes it; null: a lifetime. */
  resetEvery: string | null;
  resetAnchor: 'signup' | 'calendar';
  boundary: 'midnight' | 'instant';
  /** Percent, ascending. */
  warnAt: number[];
  onExceeded: 'block' | 'static_fallback' | 'limit_assistants';
}

/** A plan as data: what `plan show` prints, `plan apply` takes and quota.plan_versions keeps. */
export interface PlanDefinition {
  key: string;
  service: string;
  name: string;
  /** Of every subscription of the plan; null: that of the user. */
  timezone: string | null;
  maxAssistants: number | null;
  /** Also plain rows beyond it are refused. */
  enforceMaxAssistants: boolean;
  maxFileBytes: string | null;
  maxConcurrent: number | null;
  maxSessionSeconds: string | null;
  /** How long a session is taken to be alive after a sign of life; null: 90 s on live meters, else an hour. */
  leaseSeconds: string | null;
  allowedModels: string[] | null;
  isDefault: boolean;
  anonymous: boolean;
  upgradeTo: string | null;
  limitedState: Record<string, unknown> | null;
  /** What else it includes, by name. */
  features: Record<string, boolean | number | string>;
  /** By meter. */
  limits: LimitDefinition[];
}
