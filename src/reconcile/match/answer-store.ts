import type pg from 'pg';
import type { Kind } from './kinds.ts';

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
    `with items as (
       select i.kind, count(*) as count, count(i.export_id) as lines, sum(i.billed) as billed, sum(i.logged) as logged
       from quota.reconciliation_items i where i.reconciliation_id = $1 group by i.kind
       union all
       select 'matched', sum(cardinality(m.lines)), sum(cardinality(m.lines)), sum(m.billed_sum), sum(m.logged_sum)
       from quota.reconciliation_matches m where m.reconciliation_id = $1 having count(*) > 0
     ), kinds as materialized (
       select i.kind, sum(i.count)::bigint as count, sum(i.lines)::bigint as lines, sum(i.billed) as billed, sum(i.logged) as logged,
         i.kind in ('duplicate_line', 'outside_month') as beside
       from items i group by i.kind
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
