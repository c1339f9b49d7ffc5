import type pg from 'pg';

/** What `quota.check` answers, quantities and percent as exact decimals in text, instants in ISO 8601 UTC. */
export interface Allowance {
  allowed: boolean;
  /** `ok`, `quota_exceeded`, `cost_limit_exceeded`, `would_exceed`, `file_too_large`, … */
  reason: string;
  /** What the app is to do when it is not allowed. */
  action: 'block' | 'switch_to_static' | 'limit_assistants' | null;
  /** For the user of the app. */
  message: string;
  service: string;
  plan: string | null;
  meter: string | null;
  used: string | null;
  limit: string | null;
  remaining: string | null;
  percent: string | null;
  /** Of the period, in the currency of its prices. */
  cost: string | null;
  costLimit: string | null;
  state: string | null;
  warnings: string[];
  resetsAt: string | null;
  upgradeTo: string | null;
  /** Each meter of the plan. */
  meters: MeterAllowance[];
  /** What else the plan includes. */
  features: Record<string, boolean | number | string>;
}

/** What is left of one meter in the running period. */
interface MeterAllowance {
  meter: string;
  unit: string;
  used: string;
  limit: string | null;
  remaining: string | null;
  percent: string | null;
  cost: string;
  costLimit: string | null;
  resetsAt: string | null;
}

type AllowanceRow = Omit<Allowance, 'resetsAt' | 'meters'> & {
  resetsAt: Date | null;
  meters: (Omit<MeterAllowance, 'costLimit' | 'resetsAt'> & {
    cost_limit: string | null;
    resets_at: string | null;
  })[];
};

/** Quantities as exact decimals, put into JSON as numbers. */
const numbers = (parameter: string) =>
  `(select jsonb_object_agg(key, value::numeric) from jsonb_each_text(${parameter}::jsonb))`;

export interface UsageQuestion {
  /** External id; null: somebody not signed in. */
  externalId: string | null;
  service: string;
  model?: string | undefined;
  /** Seconds or messages that the call needs. */
  quantity?: string | undefined;
  fileBytes?: string | undefined;
  /** What else it needs, by unit or meter. */
  quantities?: Readonly<Record<string, string>> | undefined;
  purpose: 'usage' | 'assistant';
}

/** @throws a server error of SQLSTATE QT001 (user) or QT002 (service) */
export async function selectAllowance(client: pg.ClientBase, question: UsageQuestion): Promise<Allowance> {
  const { rows } = await client.query<AllowanceRow>(
    `select allowed, reason, action, message, service, plan, meter, used, "limit", remaining, percent,
       trim_scale(cost)::text as cost, trim_scale(cost_limit)::text as "costLimit", state, warnings,
       resets_at as "resetsAt", upgrade_to as "upgradeTo", meters, features
     from quota.check($1, $2, $3, $4, $5, $6, p_quantities => ${numbers('$7')})`,
    [
      question.externalId,
      question.service,
      question.model ?? null,
      question.quantity ?? null,
      question.fileBytes ?? null,
      question.purpose,
      question.quantities === undefined ? null : JSON.stringify(question.quantities),
    ],
  );
  const [answer] = rows;
  if (answer === undefined) {
    throw new Error('quota.check answered nothing');
  }
  return {
    ...answer,
    resetsAt: answer.resetsAt?.toISOString() ?? null,
    meters: answer.meters.map(({ cost_limit: costLimit, resets_at: resetsAt, ...meter }) => ({
      ...meter,
      costLimit,
      resetsAt: resetsAt === null ? null : new Date(resetsAt).toISOString(),
    })),
  };
}

/** What one number of a call is told in; undefined when there is no such service. */
export async function selectServiceUnit(client: pg.ClientBase, service: string): Promise<string | undefined> {
  const { rows } = await client.query<{ unit: string | null }>('select quota.service_unit($1) as unit', [
    service,
  ]);
  return rows[0]?.unit ?? undefined;
}

export interface UsageEntry {
  externalId: string;
  service: string;
  /** The provider's id of the call, or any key that stays the same when it is told twice. */
  key: string;
  quantity: string;
  provider?: string | undefined;
  model?: string | undefined;
  cost?: string | undefined;
  startedAt?: string | undefined;
  assistantId?: string | undefined;
  /** What else it used, by unit or meter. */
  quantities?: Readonly<Record<string, string>> | undefined;
}

export interface RecordedUsage {
  /** False: it was recorded before. True also where it completed a call that ran, or replaced an estimate. */
  recorded: boolean;
  /** Other figures are stored, and stay. */
  differs: boolean;
  storedQuantity: string | null;
  storedCost: string | null;
  callLogId: string;
  used: string | null;
  limit: string | null;
  remaining: string | null;
  state: string | null;
  action: string | null;
}

/** @throws a server error of SQLSTATE QT001 to QT004 */
export async function insertUsage(client: pg.ClientBase, entry: UsageEntry): Promise<RecordedUsage> {
  const { rows } = await client.query<RecordedUsage>(
    `select recorded, differs, stored_quantity as "storedQuantity", trim_scale(stored_cost)::text as "storedCost", call_log_id as "callLogId", used, "limit", remaining, state, action
     from quota.record($1, $2, $3, $4, p_provider => $5, p_model => $6, p_cost => $7, p_started_at => $8, p_assistant_id => $9,
       p_quantities => ${numbers('$10')})`,
    [
      entry.externalId,
      entry.service,
      entry.key,
      entry.quantity,
      entry.provider ?? null,
      entry.model ?? null,
      entry.cost ?? null,
      entry.startedAt ?? null,
      entry.assistantId ?? null,
      entry.quantities === undefined ? null : JSON.stringify(entry.quantities),
    ],
  );
  const [recorded] = rows;
  if (recorded === undefined) {
    throw new Error('quota.record answered nothing');
  }
  return recorded;
}
