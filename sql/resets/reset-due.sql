-- Anniversary and calendar resets: claim, close, open, audit and advance, one transaction per batch.

create type quota.reset_counts as (reset integer, caught_up integer, closed integer, queued integer, last quota.reset_position);
comment on type quota.reset_counts is
  'Subscriptions reset, periods they missed before, quotas closed, assistants queued to be restored, and where the claim ended.';

create or replace function quota.reset_due(
  anchor text, batch_size integer, run uuid, only_user uuid default null, after quota.reset_position default null)
returns quota.reset_counts
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Plans for the batch as it is, by index: see claim_due.
set enable_seqscan = off set plan_cache_mode = force_custom_plan set jit = off set work_mem = '32MB'
as $$
declare
  counts quota.reset_counts;
  reset_at timestamptz := quota.now();
  reset_by text := quota.actor();
  claimed quota.subscriptions[] := quota.claim_due(quota.due_plans(anchor), batch_size, only_user, after);
  last_claimed quota.subscriptions;
  are_kept boolean;
  kept quota.usage_quotas[];
  freed uuid[];
  granted_users uuid[];
  granted_services text[];
begin
  if cardinality(claimed) = 0 then
    counts := (0, 0, 0, 0, after);
    return counts;
  end if;
  last_claimed := claimed[cardinality(claimed)];
  counts.last := (last_claimed.plan, last_claimed.next_reset_at, last_claimed.user_id);

  -- This statement sees all that was written before the claim, and nothing can be written after it. What the periods
  -- give and what they close is brought together by grouping: a join would stand on guesses about row counts.
  with running as materialized (
    select d.user_id, d.service, d.next_reset_at as due_at, d.limit_enforced_at, l.meter,
      coalesce(o.limit_quantity, l.limit_quantity) as limit_quantity, coalesce(o.cost_limit, l.cost_limit) as cost_limit,
      l.unit_price, l.warn_at, l.on_exceeded, lower(p.period) as period_start, upper(p.period) as period_end,
      case when lower(p.period) > d.next_reset_at then (
        select count(*) - 1 from quota.periods_between(
          quota.limit_anchor(l.reset_anchor, l.boundary, d.anchor_local), l.reset_every, d.timezone, d.next_reset_at,
          reset_at))
      else 0 end as missed
    from unnest(claimed) d
    join quota.plan_limits l on l.plan = d.plan and l.reset_every is not null
    left join quota.limit_overrides o on o.user_id = d.user_id and o.plan = d.plan and o.meter = l.meter
    cross join lateral (
      select quota.period_at(
        quota.limit_anchor(l.reset_anchor, l.boundary, d.anchor_local), l.reset_every, d.timezone, reset_at) as period
      offset 0) p
  ), closing as materialized (
    -- All that ended before the last reset is closed, so that old years need not be looked at.
    select d.user_id, d.service, m.key as meter, coalesce((
        select p.period_start from quota.usage_quotas p
        where p.user_id = d.user_id and p.meter = m.key and not p.superseded
          and p.period_start <= d.last_reset_at and p.period_end > d.last_reset_at
        order by p.period_start desc limit 1), d.last_reset_at, '-infinity') as since
    from unnest(claimed) d
    join quota.meters m on m.service = d.service
  ), closed as (
    update quota.usage_quotas q set closed_at = reset_at, used_at_close = q.used
    from closing c
    where q.user_id = c.user_id and q.meter = c.meter and q.period_start >= c.since
      and q.closed_at is null and q.period_end <= reset_at
    returning q.user_id, c.service, q.meter, q.period_start, q.period_end, q.used, q.limit_quantity
  ), opened as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded)
    select user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded
    from running
    on conflict do nothing
    returning 1
  ), merged as materialized (
    select user_id, service, min(due_at) as due_at, min(limit_enforced_at) as limit_enforced_at,
      min(period_end) as next_reset_at, max(missed) as missed,
      bool_or(allows_nothing) as allows_nothing, jsonb_agg(closed) filter (where closed is not null) as closed
    from (
      select user_id, service, due_at, limit_enforced_at, period_end, missed,
        on_exceeded = 'limit_assistants' and quota.is_exhausted(0, limit_quantity, 0, cost_limit) and quota.granted_now(r.user_id, r.meter) = 0
          as allows_nothing,
        null::jsonb as closed
      from running r
      union all
      select user_id, service, null, null, null, null, null,
        jsonb_build_object('meter', meter, 'periodStart', period_start, 'periodEnd', period_end, 'used', used::text,
          'limit', limit_quantity::text)
      from closed
    ) periods
    group by user_id, service
  ), advance as materialized (
    -- A period that usage after the boundary has used up already, or another limit in force, goes on limiting.
    select g.*, g.limit_enforced_at is not null and (g.allows_nothing or exists (
        select 1 from quota.meters m join quota.usage_quotas q on q.user_id = g.user_id and q.meter = m.key
        where m.service = g.service and q.on_exceeded = 'limit_assistants' and q.closed_at is null
          and q.period_start <= reset_at and q.period_end > reset_at
          and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit))) as stays_limited
    from merged g
  ), advanced as (
    update quota.subscriptions s
    set next_reset_at = a.next_reset_at, last_reset_at = greatest(s.last_reset_at, reset_at),
      limit_enforced_at = case when a.stays_limited then s.limit_enforced_at end
    from advance a
    where s.user_id = a.user_id and s.service = a.service
  ), audited as (
    insert into quota.audit_log (at, actor, action, user_id, service, run_id, period_end, reason, before, after)
    select reset_at, reset_by, 'subscription.reset', user_id, service, run, due_at, 'period ended',
      jsonb_build_object('nextResetAt', due_at, 'limitEnforcedAt', limit_enforced_at, 'closed', closed),
      jsonb_build_object('nextResetAt', next_reset_at, 'missed', missed,
        'limitEnforcedAt', case when stays_limited then limit_enforced_at end)
    from advance
  )
  select count(*), sum(a.missed), (select count(*) from closed),
    (select count(*) from opened) < (select count(*) from running),
    array_agg(a.user_id) filter (where a.limit_enforced_at is not null and not a.stays_limited)
  into counts.reset, counts.caught_up, counts.closed, are_kept, freed
  from advance a;

  select array_agg(d.user_id), array_agg(d.service) into granted_users, granted_services
  from unnest(claimed) d
  where exists (
    select 1 from quota.grants g join quota.meters m on m.key = g.meter
    where g.user_id = d.user_id and m.service = d.service);
  if freed is not null and (are_kept or granted_users is not null) then
    perform 1 from quota.assistant_limits l
    where l.user_id in (select d.user_id from unnest(claimed) d) order by l.assistant_id for no key update;
  end if;
  counts.queued := case when freed is null then 0 else quota.queue_assistants(freed, 'original') end;
  if granted_users is not null then
    perform quota.settle_grants(granted_users, granted_services);
  end if;
  -- Usage of a period counts from the first call, also before its reset and even before its start. What has crossed a
  -- threshold by now is dealt with now that the period runs.
  if are_kept then
    select array_agg(q::quota.usage_quotas) into kept
    from unnest(claimed) d
    join quota.meters m on m.service = d.service
    join quota.usage_quotas q on q.user_id = d.user_id and q.meter = m.key
    where q.period_start <= reset_at and q.period_end > reset_at and quota.needs_enforcement(q::quota.usage_quotas);
    if kept is not null then
      perform quota.enforce(kept);
    end if;
  end if;
  return counts;
end $$;
comment on function quota.reset_due(text, integer, uuid, uuid, quota.reset_position) is
  'Resets up to batch_size subscriptions that are due and that nobody else is working on, in the order of the index after a position. reset = 0: none was left there.';
