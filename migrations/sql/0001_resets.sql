-- Anniversary and calendar resets: claim, close, open, audit and advance in one statement per batch.

create function quota.due_plans(anchor text) returns text[]
language sql stable
as $$ select array(select distinct plan from quota.plan_limits where reset_anchor = anchor and reset_every is not null) $$;

create type quota.reset_counts as (reset integer, caught_up integer, closed integer, queued integer);

create function quota.reset_due(anchor text, batch_size integer, run uuid, only_user uuid default null)
returns quota.reset_counts
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  counts quota.reset_counts;
  plans text[] := quota.due_plans(anchor);
  freed uuid[];
begin
  with due as materialized (
    select s.user_id, s.service, s.plan, s.anchor_local, s.timezone, s.next_reset_at, s.limit_enforced_at
    from quota.subscriptions s
    where s.plan = any (plans) and s.next_reset_at <= quota.now() and (only_user is null or s.user_id = only_user)
    limit batch_size
    for update skip locked
  ), running as materialized (
    select d.user_id, d.service, d.next_reset_at, l.meter, l.limit_quantity, l.cost_limit, l.unit_price, l.warn_at,
      l.on_exceeded, p.period,
      case when lower(p.period) > d.next_reset_at then (
        select count(*) - 1 from quota.periods_between(a.anchor, l.reset_every, d.timezone, d.next_reset_at, quota.now()))
      else 0 end as missed
    from due d
    join quota.plan_limits l on l.plan = d.plan and l.reset_every is not null
    cross join lateral quota.limit_anchor(l.reset_anchor, l.boundary, d.anchor_local) a(anchor)
    cross join lateral quota.period_at(a.anchor, l.reset_every, d.timezone, quota.now()) p(period)
  ), closed as (
    update quota.usage_quotas q set closed_at = quota.now(), used_at_close = q.used
    from due d join quota.meters m on m.service = d.service
    where q.user_id = d.user_id and q.meter = m.key and q.closed_at is null and q.period_end <= quota.now()
    returning q.user_id, d.service, q.meter, q.period_start, q.period_end, q.used, q.limit_quantity
  ), opened as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded)
    select user_id, meter, lower(period), upper(period), limit_quantity, cost_limit, unit_price, warn_at, on_exceeded
    from running
    on conflict do nothing
  ), advance as materialized (
    select r.user_id, r.service, min(upper(r.period)) as next_reset_at, max(lower(r.period)) as last_reset_at,
      max(r.missed) as missed,
      bool_or(exists (
        -- Usage after the boundary, before this run, may have used the new period up already.
        select 1 from quota.usage_quotas q
        where q.user_id = r.user_id and q.meter = r.meter and q.period_start = lower(r.period)
          and q.on_exceeded = 'limit_assistants' and q.exhausted_at is not null)) as exhausted
    from running r
    group by r.user_id, r.service
  ), advanced as (
    update quota.subscriptions s
    set next_reset_at = a.next_reset_at, last_reset_at = a.last_reset_at,
      limit_enforced_at = case when a.exhausted then s.limit_enforced_at end
    from advance a
    where s.user_id = a.user_id and s.service = a.service
  ), audited as (
    insert into quota.audit_log (action, user_id, service, run_id, period_end, reason, before, after)
    select 'subscription.reset', d.user_id, d.service, run, d.next_reset_at, 'period ended',
      jsonb_build_object('nextResetAt', d.next_reset_at, 'limitEnforcedAt', d.limit_enforced_at, 'closed', c.quotas),
      jsonb_build_object('nextResetAt', a.next_reset_at, 'missed', a.missed)
    from due d
    join advance a using (user_id, service)
    left join (
      select user_id, service, jsonb_agg(jsonb_build_object(
        'meter', meter, 'periodStart', period_start, 'periodEnd', period_end, 'used', used::text,
        'limit', limit_quantity::text)) as quotas
      from closed group by user_id, service
    ) c using (user_id, service)
  )
  select (select count(*) from due), coalesce(sum(a.missed), 0), (select count(*) from closed),
    array_agg(d.user_id order by d.user_id) filter (where d.limit_enforced_at is not null and not a.exhausted)
  into counts.reset, counts.caught_up, counts.closed, freed
  from due d join advance a using (user_id, service);

  counts.queued := case when freed is null then 0 else quota.queue_assistants(freed, 'original') end;
  return counts;
end $$;
comment on function quota.reset_due(text, integer, uuid, uuid) is
  'Resets up to batch_size subscriptions that are due and that nobody else is working on; counts.reset = 0 means none was left.';
