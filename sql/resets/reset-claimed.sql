create type quota.reset_outcome as (
  reset integer, caught_up integer, closed integer, are_kept boolean, freed_users uuid[]);
comment on type quota.reset_outcome is
  'Subscriptions, periods they missed, quotas closed; whether a running period was open before its reset; '
  'whose limits were lifted.';

-- What the history says of a reset. Types, for they are turned into JSON in one go; built piece by piece it
-- takes a tenth of a run.
create type quota.closed_period as (
  meter text, "periodStart" timestamptz, "periodEnd" timestamptz, used text, "limit" text);
comment on type quota.closed_period is 'A quota that a reset closed.';
create type quota.reset_before as (
  "nextResetAt" timestamptz, "limitEnforcedAt" timestamptz, closed jsonb);
comment on type quota.reset_before is 'A subscription before its reset, and what of it the reset closed.';
create type quota.reset_after as ("nextResetAt" timestamptz, missed bigint, "limitEnforcedAt" timestamptz);
comment on type quota.reset_after is 'A subscription after its reset, and how many periods it had missed.';

create or replace function quota.reset_claimed(claimed quota.subscriptions[], run uuid)
returns quota.reset_outcome
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  reset_at timestamptz := quota.now();
  reset_by text := quota.actor();
  outcome quota.reset_outcome;
begin
  -- Longer than other functions, because it is one statement. It sees all that was written before the claim,
  -- and nothing can be written after it. What the periods give and what they close is brought together by
  -- grouping: a join would stand on guesses about row counts.
  with running as materialized (
    select * from quota.running_periods(claimed, reset_at)
  ), closing as materialized (
    select * from quota.closable_since(claimed)
  ), closed as (
    update quota.usage_quotas q set closed_at = reset_at, used_at_close = q.used
    from closing c
    where q.user_id = c.user_id and q.meter = c.meter and q.period_start >= c.since
      and q.closed_at is null and q.period_end <= reset_at
    returning q.user_id, c.service, q.meter, q.period_start, q.period_end, q.used, q.limit_quantity
  ), opened as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       alerted)
    select user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at,
      on_exceeded, quota.mark_unseen(0, limit_quantity, 0, cost_limit, warn_at)
    from running
    on conflict do nothing
    returning 1
  ), merged as materialized (
    select user_id, service, min(due_at) as due_at, min(limit_enforced_at) as limit_enforced_at,
      min(period_end) as next_reset_at, max(missed) as missed,
      bool_or(allows_nothing) as allows_nothing, array_agg(closed) filter (where closed is not null) as closed
    from (
      select user_id, service, due_at, limit_enforced_at, period_end, missed,
        on_exceeded = 'limit_assistants' and quota.is_exhausted(0, limit_quantity, 0, cost_limit)
          and quota.granted_now(r.user_id, r.meter) = 0 as allows_nothing,
        null::quota.closed_period as closed
      from running r
      union all
      select user_id, service, null, null, null, null, null,
        (meter, period_start, period_end, used::text, limit_quantity::text)::quota.closed_period
      from closed
    ) periods
    group by user_id, service
  ), advance as materialized (
    -- A period that usage since then has used up already, or another limit in force, goes on limiting.
    select g.*, g.limit_enforced_at is not null and (g.allows_nothing or exists (
        select 1 from quota.meters m join quota.usage_quotas q on q.user_id = g.user_id and q.meter = m.key
        where m.service = g.service and q.on_exceeded = 'limit_assistants' and q.closed_at is null
          and quota.contains(q, reset_at)
          and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)))
        as stays_limited
    from merged g
  ), advanced as (
    update quota.subscriptions s
    set next_reset_at = a.next_reset_at, last_reset_at = greatest(s.last_reset_at, reset_at),
      limit_enforced_at = case when a.stays_limited then s.limit_enforced_at end
    from advance a
    where s.user_id = a.user_id and s.service = a.service
  ), audited as (
    insert into quota.audit_log
      (at, actor, action, user_id, service, run_id, period_end, reason, before, after)
    -- What was taken back is done again, once: as many microseconds later as were taken back before.
    select reset_at, reset_by, 'subscription.reset', a.user_id, a.service, run, due_at + (
        select count(*) from quota.audit_log r
        where r.action = 'subscription.reset' and r.user_id = a.user_id and r.service = a.service
          and r.period_end >= a.due_at and r.period_end < a.due_at + interval '1 millisecond'
          and exists (
            select from quota.audit_log o where o.user_id = r.user_id and o.service = r.service
              and o.action = 'subscription.reopened' and o.id > r.id))
        * interval '1 microsecond', 'period ended',
      to_jsonb((due_at, limit_enforced_at, to_jsonb(closed))::quota.reset_before),
      to_jsonb((next_reset_at, missed, case when stays_limited then limit_enforced_at end)::quota.reset_after)
    from advance a
  )
  select count(*), sum(a.missed), (select count(*) from closed),
    (select count(*) from opened) < (select count(*) from running),
    array_agg(a.user_id) filter (where a.limit_enforced_at is not null and not a.stays_limited)
  into outcome
  from advance a;
  return outcome;
end $$;
comment on function quota.reset_claimed(quota.subscriptions[], uuid) is
  'Closes the periods of claimed subscriptions that are over, opens the running ones, lifts limits, audits '
  'and advances. For reset_due.';
