import type pg from 'pg';
import { controlOf } from '../fetch/control-store.ts';
import type { MonthChoice, StoredReconciliation } from './stored-reconciliation.ts';

/** The months that fit, newest first. */
export async function selectReconciliations(
  client: pg.ClientBase,
  { id, month, provider }: MonthChoice,
): Promise<StoredReconciliation[]> {
  const { rows } = await client.query<StoredReconciliation>(
    `select r.id, r.provider, to_char(r.month, 'YYYY-MM') as month, r.closed_at as "closedAt", r.closed_by as "closedBy",
       r.close_reason as "closeReason", coalesce(r.totals -> 'kinds', '{}') as kinds, r.totals -> 'totals' as totals,
       json_build_object('durationSeconds', r.duration_tolerance::text, 'cost', r.cost_tolerance::text,
         'matchSeconds', r.match_seconds::text, 'aggregatePercent', r.aggregate_percent::text,
         'aggregateAmount', r.aggregate_amount::text) as tolerances,
       coalesce((
         select json_agg(json_build_object('source', e.source, 'sha256', e.sha256, 'lines', e.lines) order by e.id)
         from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
         where x.reconciliation_id = r.id), '[]') as exports,
       exists (
         select 1 from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
         where x.reconciliation_id = r.id and e.currency is not null) as "statesAmounts",
       (select min(e.currency) from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
         where x.reconciliation_id = r.id) as currency,
       ${controlOf('r.id')} as control,
       coalesce((
         select json_object_agg(d.kind, d.count order by d.kind)
         from (
           select d.kind, count(*) as count from quota.discrepancies d
           where d.reconciliation_id = r.id and d.is_current and d.resolution is null group by 1) d), '{}') as open,
       coalesce((
         select json_object_agg(d.resolution, d.count order by d.resolution)
         from (
           select d.resolution, count(*) as count from quota.discrepancies d
           where d.reconciliation_id = r.id and d.resolution is not null group by 1) d), '{}') as resolved
     from quota.reconciliations r
     where ($1::uuid is null or r.id = $1) and ($2::date is null or r.month = $2) and ($3::text is null or r.provider = $3)
     order by r.month desc, r.provider`,
    [id ?? null, month === undefined ? null : `${month}-01`, provider ?? null],
  );
  return rows.map((row) => ({ ...row, closedAt: row.closedAt && new Date(row.closedAt).toISOString() }));
}
