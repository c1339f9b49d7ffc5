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
}

export interface UsageQuestion {
  /** External id; null: somebody not signed in. */
  externalId: string | null;
  service: string;
  model?: string | undefined;
  /** Seconds or messages that the call needs. */
  quantity?: string | undefined;
  fileBytes?: string | undefined;
  purpose: 'usage' | 'assistant';
}

/** @throws a server error of SQLSTATE QT001 (user) or QT002 (service) */
export async function selectAllowance(client: pg.ClientBase, question: UsageQuestion): Promise<Allowance> {
  const { rows } = await client.query<Omit<Allowance, 'resetsAt'> & { resetsAt: Date | null }>(
    `select allowed, reason, action, message, service, plan, meter, used, "limit", remaining, percent,
       trim_scale(cost)::text as cost, trim_scale(cost_limit)::text as "costLimit", state, warnings,
       resets_at as "resetsAt", upgrade_to as "upgradeTo"
     from quota.check($1, $2, $3, $4, $5, $6)`,
    [
      question.externalId,
      question.service,
      question.model ?? null,
      question.quantity ?? null,
      question.fileBytes ?? null,
      question.purpose,
    ],
  );
  const [answer] = rows;
  if (answer === undefined) {
    throw new Error('quota.check answered nothing');
  }
  return { ...answer, resetsAt: answer.resetsAt?.toISOString() ?? null };
}

/** What the meters of a service count; undefined when there is no such service. */
export async function selectServiceUnit(client: pg.ClientBase, service: string): Promise<string | undefined> {
  const { rows } = await client.query<{ unit: string }>(
    'select unit from quota.meters where service = $1 order by key limit 1',
    [service],
  );
  return rows[0]?.unit;
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
     from quota.record($1, $2, $3, $4, p_provider => $5, p_model => $6, p_cost => $7, p_started_at => $8, p_assistant_id => $9)`,
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
    ],
  );
  const [recorded] = rows;
  if (recorded === undefined) {
    throw new Error('quota.record answered nothing');
  }
  return recorded;
}
