import type pg from 'pg';
import type { Kind } from '../match/kinds.ts';

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

/** Matches anew and stores what differs from the stored answer. Returns how many items did. */
export async function computeReconciliation(
  client: pg.ClientBase,
  id: string,
  isTrial: boolean,
): Promise<number> {
  const { rows } = await client.query<{ changed: string }>(
    'select quota.compute_reconciliation($1, $2) as changed',
    [id, isTrial],
  );
  return Number(rows[0]?.changed ?? 0);
}

/** Sums as exact decimals; difference is billed − logged. */
export interface KindSum {
  kind: Kind;
  count: number;
  billed: string;
  logged: string;
}

export interface ItemSums {
  kinds: KindSum[];
  /** Without what was billed before and what belongs to other months. */
  totals: { billed: string; logged: string; difference: string };
  /** For checking: of all kinds, and what the exports add up to. */
  control: { lines: number; billed: string; exportLines: number; exportCalls: number; exportBilled: string };
}

export async function selectSums(client: pg.ClientBase, id: string): Promise<ItemSums> {
  const { rows } = await client.query<{ sums: ItemSums }>(
    `with kinds as materialized (
       select i.kind, count(*) as count, count(i.export_id) as lines, sum(i.billed) as billed, sum(i.logged) as logged,
         i.kind in ('duplicate_line', 'outside_month') as beside
       from quota.reconciliation_items i where i.reconciliation_id = $1 group by i.kind
     ), totals as (
       select coalesce(sum(k.billed), 0) as billed, coalesce(sum(k.logged), 0) as logged from kinds k where not k.beside
     ), exports as (
       select coalesce(sum(e.lines), 0) as lines, coalesce(sum(e.calls), 0) as calls, coalesce(sum(e.billed), 0) as billed
       from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id where x.reconciliation_id = $1
     )
     select json_build_object(
       'kinds', coalesce((
         select json_agg(json_build_object('kind', k.kind, 'count', k.count, 'billed', k.billed::text, 'logged', k.logged::text)
           order by k.kind) from kinds k), '[]'),
       'totals', (
         select json_build_object('billed', t.billed::text, 'logged', t.logged::text, 'difference', (t.billed - t.logged)::text)
         from totals t),
       'control', (
         select json_build_object('lines', coalesce(sum(k.lines), 0), 'billed', coalesce(sum(k.billed), 0)::text,
           'exportLines', e.lines, 'exportCalls', e.calls, 'exportBilled', e.billed::text)
         from exports e left join kinds k on true group by e.lines, e.calls, e.billed)) as sums`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) {
    throw new Error('an aggregate gave no row');
  }
  return row.sums;
}

/** Keeps what a month came to, where it differs from what is kept. */
export async function updateTotals(client: pg.ClientBase, id: string, totals: object): Promise<void> {
  await client.query(
    'update quota.reconciliations set totals = $2 where id = $1 and totals is distinct from $2::jsonb',
    [id, JSON.stringify(totals)],
  );
}

/** Closes a month, or opens it again. */
export async function updateClosing(
  client: pg.ClientBase,
  id: string,
  { isClosed, reason }: { isClosed: boolean; reason: string | undefined },
): Promise<void> {
  await client.query(
    isClosed
      ? `update quota.reconciliations
         set closed_at = quota.now(), closed_by = quota.actor(), close_reason = $2 where id = $1`
      : `update quota.reconciliations set closed_at = null, closed_by = null, close_reason = null
         where id = $1 and closed_at is not null and $2::text is not null`,
    [id, reason ?? null],
  );
}

const firstDay = (month: string) => `${month}-01`;
