/** A row of the history as PostgreSQL writes its plain columns: every value as text, instants in UTC and ISO style. */
export interface PlainAuditRow {
  id: string;
  at: string;
  recorded_at: string;
  actor: string;
  action: string;
  user_id: string | null;
  service: string | null;
  subject: string | null;
  reason: string | null;
  /** JSON as jsonb is written. */
  before: string | null;
  after: string | null;
  run_id: string | null;
  period_end: string | null;
  xid: string;
  login: string | null;
}

/**
 * What is sealed of a row: the text that quota.audit_row_text gives in the database, made here from the columns alone,
 * so that no function of the database has a say in it. Rows from before logins were kept are sealed without.
 */
export function auditRowText(row: PlainAuditRow): string {
  const values = [
    row.id,
    epochText(row.at),
    epochText(row.recorded_at),
    textOf(row.actor),
    textOf(row.action),
    textOf(row.user_id),
    textOf(row.service),
    textOf(row.subject),
    textOf(row.reason),
    row.before ?? 'null',
    row.after ?? 'null',
    textOf(row.run_id),
    row.period_end === null ? 'null' : epochText(row.period_end),
    textOf(row.xid),
    ...(row.login === null ? [] : [textOf(row.login)]),
  ];
  return `[${values.join(', ')}]`;
}

/** JSON and jsonb escape the same characters in the same way. */
const textOf = (value: string | null): string => JSON.stringify(value);

/** `2026-11-28 21:00:55.12+00` as seconds since 1970 with six decimals; infinity is a word in quotes. */
function epochText(instant: string): string {
  const [, year, month, day, hours, minutes, seconds, fraction = ''] =
    /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?\+00$/.exec(instant) ?? [];
  if (year === undefined) {
    return JSON.stringify(instant.replace('infinity', 'Infinity'));
  }
  const at = Date.UTC(+year, Number(month) - 1, +(day ?? 1), +(hours ?? 0), +(minutes ?? 0), +(seconds ?? 0));
  const micros = BigInt(at) * 1000n + BigInt(fraction.padEnd(6, '0'));
  const digits = (micros < 0n ? -micros : micros).toString().padStart(7, '0');
  return `${micros < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
