/**
 * Checks of what finance reconciles, as `check-store.ts` has those of usage. They are of whole months: with a user as
 * `$1` they find nothing. What is stored stands beside what its rows come to, under the same name with `ByFacts`.
 */

/** An export knows how many lines it has and what they add up to; lines belong to an export. */
export const wrongExports = `
  select coalesce(e.id, l.export_id) as export, e.provider, e.source, coalesce(e.lines, 0) as lines,
    coalesce(l.lines, 0)::integer as "linesByFacts", coalesce(e.calls, 0) as calls, coalesce(l.calls, 0)::integer as "callsByFacts",
    trim_scale(coalesce(e.billed, 0))::text as billed, trim_scale(coalesce(l.billed, 0))::text as "billedByFacts"
  from quota.billing_exports e
  full join (
    select export_id, count(*) as lines, count(*) filter (where kind = 'call') as calls, sum(cost) as billed
    from quota.billing_lines where $1::uuid is null group by export_id
  ) l on l.export_id = e.id
  where $1::uuid is null
    and (e.id is null or (e.lines, e.calls, e.billed) is distinct from (coalesce(l.lines, 0), coalesce(l.calls, 0), coalesce(l.billed, 0)))
  order by 1`;

/** Items and discrepancies are of lines and logs that are there, and lines of exports that their month has. */
export const lostItems = `
  select r.provider, to_char(r.month, 'YYYY-MM') as month, lost.of, count(*)::integer as count, count(*) filter (where lost.line)::integer as "withoutLine",
    count(*) filter (where lost.log)::integer as "withoutLog", min(lost.subject) as first
  from (
    select i.reconciliation_id, 'items' as of, i.export_id is not null and (l.export_id is null or x.export_id is null) as line,
      i.log_id is not null and g.id is null as log, coalesce('line ' || i.export_id || ':' || i.line, 'log ' || i.log_id) as subject
    from quota.reconciled_items i
    left join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
    left join quota.reconciliation_exports x on x.reconciliation_id = i.reconciliation_id and x.export_id = i.export_id
    left join quota.call_logs g on g.id = i.log_id
    where $1::uuid is null and ((i.export_id is not null and (l.export_id is null or x.export_id is null)) or (i.log_id is not null and g.id is null))
    union all
    select d.reconciliation_id, 'discrepancies', d.line is not null and i.line is null, d.log_id is not null and g.id is null, d.subject
    from quota.discrepancies d
    left join quota.reconciliation_items i
      on i.reconciliation_id = d.reconciliation_id and i.export_id = d.export_id and i.line = d.line and i.kind = d.kind
    left join quota.call_logs g on g.id = d.log_id
    where $1::uuid is null and d.is_current and ((d.line is not null and i.line is null) or (d.log_id is not null and g.id is null))
  ) lost
  left join quota.reconciliations r on r.id = lost.reconciliation_id
  group by r.provider, r.month, lost.of
  order by r.month, r.provider, lost.of desc`;

/** What a month came to is what its items come to, kind by kind; of a closed month too. */
export const wrongMonths = `
  with items as (
    select i.reconciliation_id as id, i.kind, count(*) as count, sum(i.billed) as billed, sum(i.logged) as logged
    from quota.reconciled_items i where $1::uuid is null group by 1, 2
  ), by_items as (
    select * from items
    union all
    select id, 'total', null, coalesce(sum(billed) filter (where kind not in ('duplicate_line', 'outside_month')), 0),
      coalesce(sum(logged) filter (where kind not in ('duplicate_line', 'outside_month')), 0)
    from items group by id
  ), stored as (
    select r.id, k.kind, (k.sums ->> 'count')::bigint as count, (k.sums ->> 'billed')::numeric as billed, (k.sums ->> 'logged')::numeric as logged
    from quota.reconciliations r
    cross join lateral (
      select kind, sums from jsonb_each(r.totals -> 'kinds') k(kind, sums)
      union all
      select 'total', r.totals -> 'totals') k
    where $1::uuid is null and r.totals is not null
  )
  select r.provider, to_char(r.month, 'YYYY-MM') as month, r.closed_at is not null as closed, kind, s.count, i.count as "countByFacts",
    trim_scale(s.billed)::text as billed, trim_scale(i.billed)::text as "billedByFacts", trim_scale(s.logged)::text as logged,
    trim_scale(i.logged)::text as "loggedByFacts"
  from stored s full join by_items i using (id, kind) left join quota.reconciliations r using (id)
  where (s.count, s.billed, s.logged) is distinct from (i.count, coalesce(i.billed, 0), coalesce(i.logged, 0))
  order by r.month, r.provider, kind`;

/** A closed month says what it was closed with, as the history tells it. */
export const wrongClosings = `
  select r.provider, to_char(r.month, 'YYYY-MM') as month, r.closed_by as "closedBy",
    r.totals #>> '{totals,billed}' as billed, a.after #>> '{totals,billed}' as "billedByFacts",
    r.totals #>> '{totals,logged}' as logged, a.after #>> '{totals,logged}' as "loggedByFacts",
    (r.totals -> 'kinds') = (a.after -> 'kinds') as "kindsAgree"
  from quota.reconciliations r
  left join lateral (
    select a.actor, a.after from quota.audit_log a
    where a.action = 'reconciliation.close' and a.subject = r.provider || ' ' || to_char(r.month, 'YYYY-MM')
    order by a.id desc limit 1) a on true
  where $1::uuid is null and r.closed_at is not null
    and (r.totals -> 'kinds', r.totals -> 'totals', r.closed_by) is distinct from (a.after -> 'kinds', a.after -> 'totals', a.actor)
  order by r.month, r.provider`;
