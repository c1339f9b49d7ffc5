import type pg from 'pg';

/** Begins the backfill of a product anew: rows that are linked are compared, not counted again. */
export async function restartBackfill(client: pg.ClientBase, product: string): Promise<void> {
  await client.query(
    `update quota.adopt_sources set backfilled_to = null, backfilled_rows = 0, backfilled_at = null, staged = null,
       staged_to = null
     where product = $1 and is_attached`,
    [product],
  );
}

/** Lays out what a backfill has to go through, unless one that was interrupted has. */
export async function layOutSource(client: pg.ClientBase, source: number): Promise<void> {
  await client.query('select quota.lay_out_source($1)', [source]);
}

/** Takes over the next rows of a source, one transaction. */
export async function backfillBatch(
  client: pg.ClientBase,
  source: number,
  size: number,
): Promise<{ rows: number; isDone: boolean }> {
  const { rows } = await client.query<{ rows: number; isDone: boolean }>(
    'select b.rows, b.is_done as "isDone" from quota.backfill_source($1, $2) b',
    [source, size],
  );
  return rows[0] ?? { rows: 0, isDone: true };
}

/** Takes back calls whose rows are gone without a word; how many. */
export async function forgetLost(client: pg.ClientBase, source: number, size: number): Promise<number> {
  const { rows } = await client.query<{ lost: number }>('select quota.forget_lost($1, $2) as lost', [
    source,
    size,
  ]);
  return rows[0]?.lost ?? 0;
}

/** Takes up what waits of a product, or of all: how many rows were tried, and how many are done with. */
export async function retryDead(
  client: pg.ClientBase,
  size: number,
  product: string | null,
): Promise<{ tried: number; taken: number }> {
  const { rows } = await client.query<{ tried: number; taken: number }>(
    'select r.tried, r.taken from quota.retry_dead($1, $2) r',
    [size, product],
  );
  return rows[0] ?? { tried: 0, taken: 0 };
}

/** Makes everything due that waits of a product. */
export async function hastenDead(client: pg.ClientBase, product: string): Promise<void> {
  await client.query(
    `update quota.adopt_dead d set next_attempt_at = quota.now()
     from quota.adopt_sources s where s.id = d.source and s.product = $1 and d.next_attempt_at > quota.now()`,
    [product],
  );
}

/** Rows of a product that wait and were not tried again yet. */
export async function countUntried(client: pg.ClientBase, product: string): Promise<number> {
  const { rows } = await client.query<{ rows: number }>(
    `select count(*)::integer as rows from quota.adopt_dead d
     join quota.adopt_sources s on s.id = d.source
     where s.product = $1 and d.attempts = 0 and d.key is not null`,
    [product],
  );
  return rows[0]?.rows ?? 0;
}

export async function countDead(client: pg.ClientBase, { isDue }: { isDue: boolean }): Promise<number> {
  const { rows } = await client.query<{ rows: number }>(
    `select count(*)::integer as rows from quota.adopt_dead d
     join quota.adopt_sources s on s.id = d.source and s.is_attached
     where not $1 or d.key is not null and d.next_attempt_at <= quota.now() and quota.can_retry(s, d.is_unread)`,
    [isDue],
  );
  return rows[0]?.rows ?? 0;
}

/** A row that waits. */
export interface DeadRow extends Record<string, unknown> {
  product: string;
  source: string;
  key: string | null;
  operation: string;
  reason: string;
  attempts: number;
  /** ISO 8601 */
  buriedAt: string;
}

/** The longest waiting first. */
export async function selectDead(
  client: pg.ClientBase,
  product: string | null,
  limit: number,
): Promise<DeadRow[]> {
  const { rows } = await client.query<DeadRow>(
    `select s.product, s.name as source, d.key, d.operation, d.reason, d.attempts,
       to_char(d.buried_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "buriedAt"
     from quota.adopt_dead d join quota.adopt_sources s on s.id = d.source
     where $1::text is null or s.product = $1
     order by d.buried_at, d.id limit $2`,
    [product, limit],
  );
  return rows;
}
