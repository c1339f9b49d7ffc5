import type pg from 'pg';
import type { PlainAuditRow } from './audit-row-text.ts';

/** Rows in memory at a time. */
const batchRows = 2000;

/** Every value as the server writes it. */
const types = { getTypeParser: () => (value: unknown) => value };

/** A seal as it is stored. Ids are those of audit rows; the digest is in hexadecimal. */
export interface StoredSeal {
  seal: string;
  firstId: string;
  lastId: string;
  rows: number;
  digest: string;
  /** ISO 8601 UTC. */
  sealedAt: string;
}

/** The seals in their order. */
export async function selectSeals(client: pg.ClientBase): Promise<StoredSeal[]> {
  const { rows } = await client.query<
    Omit<StoredSeal, 'digest' | 'sealedAt'> & { digest: Buffer; sealedAt: Date }
  >(
    `select id as seal, first_id as "firstId", last_id as "lastId", row_count as rows, digest, sealed_at as "sealedAt"
     from quota.audit_seals order by id`,
  );
  return rows.map((row) => ({
    ...row,
    digest: row.digest.toString('hex'),
    sealedAt: row.sealedAt.toISOString(),
  }));
}

/** The rows up to an id, in their order, by their plain columns. In a transaction. */
export async function* selectPlainRows(
  client: pg.ClientBase,
  afterId: string,
  lastId: string,
): AsyncGenerator<PlainAuditRow> {
  await client.query(
    `declare plain_rows no scroll cursor for
     select id, at, recorded_at, actor, action, user_id, service, subject, reason, before, after, run_id, period_end,
       xid, login
     from quota.audit_log where id > ${BigInt(afterId)} and id <= ${BigInt(lastId)} order by id`,
  );
  for (;;) {
    const { rows } = await client.query<PlainAuditRow>({ text: `fetch ${batchRows} from plain_rows`, types });
    yield* rows;
    if (rows.length < batchRows) {
      break;
    }
  }
  await client.query('close plain_rows');
}
