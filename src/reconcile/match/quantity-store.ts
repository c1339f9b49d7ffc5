import type pg from 'pg';
import { countedLines, countedLogs, monthBounds } from './counted-store.ts';

/** Of a bill that states no amounts: what it states instead, beside the logs. Exact decimals. */
export interface Quantities {
  unit: 'seconds' | 'requests';
  billed: string;
  logged: string;
  difference: string;
}

/**
 * What the bill of a month states in place of money: seconds of calls, or numbers of requests where it states no
 * seconds. Null where it states amounts. What was billed before counts once; what is of another month does not.
 */
export async function selectQuantities(client: pg.ClientBase, id: string): Promise<Quantities | null> {
  const { rows } = await client.query<Quantities>(
    `with month as (
       ${monthBounds}
       where r.id = $1 and not exists (
         select 1 from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
         where x.reconciliation_id = r.id and e.currency is not null)
     ), bill as (
       select sum(l.duration_seconds) as seconds, sum(l.quantity) filter (where l.unit in ('request', 'requests')) as requests
       from ${countedLines}
     ), logs as (
       select sum(g.duration_seconds) as seconds, sum(coalesce(g.messages, 1)) as requests
       from ${countedLogs}
     ), stated as (
       select b.seconds is null and b.requests is not null as is_requests, coalesce(b.seconds, 0) as billed_seconds,
         coalesce(l.seconds, 0) as logged_seconds, coalesce(b.requests, 0) as billed_requests, coalesce(l.requests, 0) as logged_requests
       from month, bill b, logs l
     )
     select case when is_requests then 'requests' else 'seconds' end as unit,
       trim_scale(case when is_requests then billed_requests else billed_seconds end)::text as billed,
       trim_scale(case when is_requests then logged_requests else logged_seconds end)::text as logged,
       trim_scale(case when is_requests then billed_requests - logged_requests else billed_seconds - logged_seconds end)::text as difference
     from stated`,
    [id],
  );
  return rows[0] ?? null;
}
