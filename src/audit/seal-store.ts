import type pg from 'pg';

/** Of more, one change or another hides the rest. */
const brokenMax = 20;

/** A reason that is not what was written with its audit row. */
export interface BentReason {
  auditId: string;
  fault: string;
}

/** Reasons lie apart from their rows, which keep the digests: holds one against the other. */
export async function selectBentReasons(client: pg.ClientBase): Promise<BentReason[]> {
  const { rows } = await client.query<BentReason>(
    `select audit_id as "auditId", fault from quota.bent_reasons() limit ${brokenMax}`,
  );
  return rows;
}

export interface SealHead {
  seal: string;
  lastId: string;
  /** 64 hexadecimal digits. */
  hash: string;
  sealedAt: string;
}

export interface SealSums {
  seals: number;
  /** Rows under a seal, as they were sealed. */
  rows: string;
  /** Rows since the last seal: nothing is known of their integrity. */
  unsealedRows: string;
  /** Keep its hash elsewhere: it vouches for all rows up to `lastId`. */
  head: SealHead | null;
}

export async function selectSealSums(client: pg.ClientBase): Promise<SealSums> {
  const { rows } = await client.query<SealSums>(
    `with head as (select * from quota.audit_seals order by id desc limit 1)
     select count(*)::integer as seals, coalesce(sum(s.row_count), 0)::text as rows,
       (select count(*) from quota.audit_log a where a.id > coalesce((select last_id from head), 0))::text
         as "unsealedRows",
       (select json_build_object('seal', h.id::text, 'lastId', h.last_id::text, 'hash', encode(h.digest, 'hex'),
         'sealedAt', to_char(h.sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) from head h) as head
     from quota.audit_seals s`,
  );
  return rows[0] ?? { seals: 0, rows: '0', unsealedRows: '0', head: null };
}

/** The seal with this hash (hexadecimal), if there is one. */
export async function selectSealOfHash(client: pg.ClientBase, hash: string): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `select id from quota.audit_seals where digest = decode($1, 'hex') limit 1`,
    [hash],
  );
  return rows[0]?.id;
}

/** Up to which row nothing can appear any more. Holds writers while it waits for those who write: no longer than this. */
const frontierWait = '5s';

/** @throws an error with SQLSTATE 55P03 when writers do not end in time. */
export async function selectAuditFrontier(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ frontier: string }>(
    `select quota.audit_frontier() as frontier from set_config('lock_timeout', '${frontierWait}', true)`,
  );
  return rows[0]?.frontier ?? '0';
}

/** Seals what is not sealed yet up to a frontier; returns the number of new seals. */
export async function insertSeals(client: pg.ClientBase, frontier: string): Promise<number> {
  const { rows } = await client.query<{ sealed: number }>('select quota.seal_audit($1) as sealed', [
    frontier,
  ]);
  return rows[0]?.sealed ?? 0;
}
