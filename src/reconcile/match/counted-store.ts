/** Pieces of queries about the reconciliation `$1`: what of its month counts, on both sides. */

/** For a common table `month`, before its condition on `r`: whose it is, and from when until when. */
export const monthBounds = `select r.provider, r.month::timestamp at time zone 'UTC' as begins, (r.month + interval '1 month') at time zone 'UTC' as ends
       from quota.reconciliations r`;

/** Lines `l` of the exports of the `month`; what was billed before counts once. */
export const countedLines = `month m
       join quota.reconciliation_exports x on x.reconciliation_id = $1
       join quota.billing_lines l on l.export_id = x.export_id
         and coalesce(l.started_at, l.created_at, l.day::timestamp at time zone 'UTC') >= m.begins
         and coalesce(l.started_at, l.created_at, l.day::timestamp at time zone 'UTC') < m.ends
       left join quota.reconciliation_items i on i.reconciliation_id = $1 and i.export_id = l.export_id and i.line = l.line
       where i.kind is distinct from 'duplicate_line'`;

/** Logs `g` of the `month`. */
export const countedLogs =
  'month m join quota.call_logs g on g.provider = m.provider and g.started_at >= m.begins and g.started_at < m.ends';
