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

/** The same where some members of `before` and `after` name a person: those can be erased, and lie apart. */
export async function insertPersonalAuditEntry(
  client: pg.ClientBase,
  entry: AuditEntry & { userId: string; before: object; after: object },
  personal: readonly string[],
): Promise<string> {
  const split = (values: object, isPersonal: boolean) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => personal.includes(key) === isPersonal));
  const id = await insertAuditEntry(client, {
    ...entry,
    before: split(entry.before, false),
    after: split(entry.after, false),
  });
  await client.query(
    'insert into quota.audit_personal (user_id, audit_id, before, after) values ($1, $2, $3, $4)',
    [entry.userId, id, JSON.stringify(split(entry.before, true)), JSON.stringify(split(entry.after, true))],
  );
  return id;
}
