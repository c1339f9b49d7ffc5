import type pg from 'pg';
import { readRows } from '../db/cursor.ts';

/** What is listed; without conditions everything. */
export interface AuditFilter {
  userId: string | undefined;
  /** Whole actions (`usage.reset`) or what they are about (`usage`). */
  actions: readonly string[];
  /** Instants of the rows: from this one on, before that one. */
  since: string | undefined;
  until: string | undefined;
  runId: string | undefined;
  /** Only rows before this id. */
  beforeId: string | undefined;
  limit: number | undefined;
}

/** One row of the history. Instants are ISO 8601 UTC. */
export interface AuditRow {
  id: string;
  /** When it was so, by the clock of `--as-of`. */
  at: string;
  /** When it was written, by the clock of the database server. */
  recordedAt: string;
  /** Who was said to have done it. */
  actor: string;
  /** The login that wrote it; null: from before logins were kept. */
  login: string | null;
  action: string;
  userId: string | null;
  /** As it is now; null: not about a user. */
  user: string | null;
  service: string | null;
  subject: string | null;
  reason: string | null;
  before: unknown;
  after: unknown;
  runId: string | null;
  /** Of a reset: the end of the period that it closed. */
  periodEnd: string | null;
}

type StoredRow = Omit<AuditRow, 'at' | 'recordedAt' | 'periodEnd'> & {
  at: Date;
  recordedAt: Date;
  periodEnd: Date | null;
};

/** The rows, the newest first, as they come. */
export async function* selectAuditLog(client: pg.ClientBase, filter: AuditFilter): AsyncGenerator<AuditRow> {
  const { userId, actions, since, until, runId, beforeId, limit } = filter;
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions: string[] = ['true'];
  if (userId !== undefined) {
    conditions.push(`a.user_id = ${bind(userId)}`);
  }
  if (actions.length > 0) {
    const wanted = bind(actions);
    conditions.push(`(a.action = any (${wanted}) or split_part(a.action, '.', 1) = any (${wanted}))`);
  }
  if (since !== undefined) {
    conditions.push(`a.at >= ${bind(since)}`);
  }
  if (until !== undefined) {
    conditions.push(`a.at < ${bind(until)}`);
  }
  if (runId !== undefined) {
    conditions.push(`a.run_id = ${bind(runId)}`);
  }
  if (beforeId !== undefined) {
    conditions.push(`a.id < ${bind(beforeId)}`);
  }
  const sql = `
    select a.id, a.at, a.recorded_at as "recordedAt", a.actor, a.login, a.action, a.user_id as "userId", u.external_id as user,
      a.service, a.subject, quota.audit_reason(a) as reason, a.before, a.after, a.run_id as "runId", a.period_end as "periodEnd"
    from quota.audit_log a
    left join quota.users u on u.id = a.user_id
    where ${conditions.join(' and ')}
    order by a.id desc
    ${limit === undefined ? '' : `limit ${bind(limit)}`}`;
  for await (const row of readRows<StoredRow>(client, sql, values)) {
    yield {
      ...row,
      at: row.at.toISOString(),
      recordedAt: row.recordedAt.toISOString(),
      periodEnd: row.periodEnd?.toISOString() ?? null,
    };
  }
}

/** What was ever done, by its name. Reads the whole history. */
export async function selectActions(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ action: string }>(
    `select distinct action from quota.audit_log order by action`,
  );
  return rows.map(({ action }) => action);
}
