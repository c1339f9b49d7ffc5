import type pg from 'pg';

/** One row of the history. `before` and `after` are plain JSON, with money and quantities as text. */
export interface AuditEntry {
  /** What was done to what: `grant.added`, `plan.changed`. */
  action: string;
  userId?: string | undefined;
  service?: string | undefined;
  /** What it was done to, where that is not a user: a plan, a file. */
  subject?: string | undefined;
  reason?: string | undefined;
  before?: unknown;
  after?: unknown;
}

/** Writes the audit row of a change, in the transaction of the change. Returns its id. */
export async function insertAuditEntry(client: pg.ClientBase, entry: AuditEntry): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
     values ($1, $2, $3, $4, $5, $6, $7) returning id`,
    [
      entry.action,
      entry.userId ?? null,
      entry.service ?? null,
      entry.subject ?? null,
      entry.reason ?? null,
      entry.before === undefined ? null : JSON.stringify(entry.before),
      entry.after === undefined ? null : JSON.stringify(entry.after),
    ],
  );
  return rows[0]?.id ?? '';
}
