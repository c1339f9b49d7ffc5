import type pg from 'pg';

/** How far a line and its log may be apart and still agree. Decimals as text. */
export interface Tolerances {
  durationSeconds: string;
  cost: string;
  /** Between the starts of a line and a log without an id. */
  matchSeconds: string;
  /** Of the sums of days. */
  aggregatePercent: string;
  aggregateAmount: string;
}

const toleranceColumns: Readonly<Record<keyof Tolerances, string>> = {
  durationSeconds: 'duration_tolerance',
  cost: 'cost_tolerance',
  matchSeconds: 'match_seconds',
  aggregatePercent: 'aggregate_percent',
  aggregateAmount: 'aggregate_amount',
};

/** The providers that have a reconciliation of the month (`2026-10`). */
export async function selectProviders(client: pg.ClientBase, month: string): Promise<string[]> {
  const { rows } = await client.query<{ provider: string }>(
    'select provider from quota.reconciliations where month = $1 order by provider',
    [firstDay(month)],
  );
  return rows.map(({ provider }) => provider);
}

/**
 * Locks the reconciliation of a month until the transaction ends; makes it if there is none.
 * The server refuses a closed one (QT007).
 */
export async function openReconciliation(
  client: pg.ClientBase,
  provider: string,
  month: string,
): Promise<string> {
  await client.query(
    'insert into quota.reconciliations (provider, month) values ($1, $2) on conflict (provider, month) do nothing',
    [provider, firstDay(month)],
  );
  const { rows } = await client.query<{ id: string }>(
    'select (quota.open_reconciliation(id)).id from quota.reconciliations where provider = $1 and month = $2',
    [provider, firstDay(month)],
  );
  return rows[0]?.id ?? '';
}

/**
 * Until the transaction ends: what it has loaded and stored a moment ago is in memory, where a page costs little, and
 * joins of a month may take some.
 */
export async function expectMonthInMemory(client: pg.ClientBase): Promise<void> {
  await client.query(
    `select set_config('random_page_cost', '0.2', true), set_config('seq_page_cost', '0.2', true),
       set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`,
  );
}

/** Keeps tolerances for this and later runs of the month. */
export async function updateTolerances(
  client: pg.ClientBase,
  id: string,
  tolerances: Partial<Tolerances>,
): Promise<void> {
  for (const [name, value] of Object.entries(tolerances)) {
    const column = toleranceColumns[name as keyof Tolerances];
    await client.query(
      `update quota.reconciliations set ${column} = $2 where id = $1 and ${column} is distinct from $2::numeric`,
      [id, value],
    );
  }
}

/** Closes a month. */
export async function closeReconciliation(
  client: pg.ClientBase,
  id: string,
  reason: string | undefined,
): Promise<void> {
  await client.query(
    `update quota.reconciliations
     set closed_at = quota.now(), closed_by = quota.actor(), close_reason = $2 where id = $1`,
    [id, reason ?? null],
  );
}

/** Opens a closed month again; what it was closed with stays in the history. Returns the id of that row. */
export async function reopenReconciliation(
  client: pg.ClientBase,
  id: string,
  reason: string,
): Promise<string> {
  const { rows } = await client.query<{ id: string }>('select quota.reopen_month($1, $2) as id', [
    id,
    reason,
  ]);
  return rows[0]?.id ?? '';
}

const firstDay = (month: string) => `${month}-01`;
