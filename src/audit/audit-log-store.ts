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
  const { sql, values } = auditQuery(filter, await wantedActions(client, filter));
  for await (const row of readRows<StoredRow>(client, sql, values, 'in turn')) {
    yield {
      ...row,
      at: row.at.toISOString(),
      recordedAt: row.recordedAt.toISOString(),
      periodEnd: row.periodEnd?.toISOString() ?? null,
    };
  }
}

/** The actions that there are and that are asked for, by their own name or by what they are about; null: all. */
async function wantedActions(client: pg.ClientBase, { actions }: AuditFilter): Promise<string[] | null> {
  if (actions.length === 0) {
    return null;
  }
  return (await selectActions(client)).filter((known) =>
    actions.some((wanted) => known === wanted || known.startsWith(`${wanted}.`)),
  );
}

function auditQuery({ userId, since, until, runId, beforeId, limit }: AuditFilter, actions: string[] | null) {
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions: string[] = ['true'];
  if (userId !== undefined) {
    conditions.push(`a.user_id = ${bind(userId)}`);
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
  const last = limit === undefined ? '' : `limit ${bind(limit)}`;
  // The name of the user row by row, so that the rows come in the order of the index, without being sorted.
  const rows = (more: string) => `
    select a.id, a.at, a.recorded_at as "recordedAt", a.actor, a.login, a.action, a.user_id as "userId",
      (select u.external_id from quota.users u where u.id = a.user_id) as user, a.service, a.subject,
      quota.audit_reason(a) as reason, a.before, a.after, a.run_id as "runId", a.period_end as "periodEnd"
    from quota.audit_log a
    where ${[...conditions, more].join(' and ')}
    order by a.id desc ${last}`;
  // Each action down its own index: a rare one is not looked for among all that was ever done, and a common one
  // is not put in order before its first rows come.
  const sql =
    actions === null || actions.length === 0
      ? rows(actions === null ? 'true' : 'false')
      : `select * from (${actions.map((action) => `(${rows(`a.action = ${bind(action)}`)})`).join(' union all ')}) of_all
        order by id desc ${last}`;
  return { sql, values };
}

/** What was ever done, by its name: from one to the next down the index, however many rows each has. */
export async function selectActions(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ action: string }>(
    `with recursive known as (
       (select action from quota.audit_log order by action limit 1)
       union all
       select (select a.action from quota.audit_log a where a.action > k.action order by a.action limit 1)
       from known k where k.action is not null
     )
     select action from known where action is not null order by action`,
  );
  return rows.map(({ action }) => action);
}
