create type quota.usage_span as (user_id uuid, meter text, first timestamptz, last timestamptz);
comment on type quota.usage_span is
  'From the first to the last call of a user''s meter that are to be covered by quotas.';

create type quota.opened_periods as (
  quotas quota.quota_key[], crossed quota.usage_quotas[], has_revived boolean);
comment on type quota.opened_periods is
  'What was opened; which of it is to be enforced; whether a period of a former plan became one of the '
  'present plan, and must be counted anew.';

create or replace function quota.open_periods(spans quota.usage_span[]) returns quota.opened_periods
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Looked up, also where a table is still so small that reading it all would do.
set enable_seqscan = off
as $$
declare
  due_users uuid[];
  due_services text[];
  due_ends timestamptz[];
  at timestamptz := quota.now();
  result quota.opened_periods;
begin
  -- R1: a period holds what the facts say from the moment it is opened. Calls may have been there before:
  -- those of a time when another plan cut time otherwise, which count in its periods, too.
  with terms as materialized (
    select * from quota.meter_terms
  ), opened as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       granted, closed_at, used_at_close,
       lowered_at, used, cost, calls, alerted)
    select t.*, case when t.period_end > at then (
      -- What was used on a former plan is beyond the present one since it holds.
      select max(f.until) from quota.former_plans f
      where f.user_id = t.user_id and f.service = m.service and f.until > t.period_start) end,
      c.used, c.cost, c.calls,
      quota.mark_unseen(c.used, t.limit_quantity + t.granted, c.cost, t.cost_limit, t.warn_at)
    from unnest(spans) s
    join quota.meters m on m.key = s.meter
    cross join lateral quota.quota_terms(s.user_id, s.meter, s.first, s.last) t
    join terms f on f.key = t.meter and t.period_end > f.since and t.period_end <= f.until
    cross join lateral (
      select sum(v.quantity) as used, count(*) as calls,
        sum(quota.cost_of(v.cost, f.unit, v.quantity, t.unit_price)) as cost
      from (
        select c.cost, quota.quantity_of(f.unit, f.measure, c.status, c.duration_seconds, c.messages,
          c.file_size_bytes, c.quantities) as quantity
        from quota.call_logs c
        where c.service = f.service and quota.counts_model(f.models, f.patterns, c.model)
          -- As pairs, so that they are looked up by user: of a table that was filled a moment ago the server
          -- knows no better than to go through what everybody did at that time.
          and c.user_id = t.user_id and (c.user_id, c.started_at) >= (t.user_id, t.period_start)
          and (c.user_id, c.started_at) < (t.user_id, t.period_end)
        offset 0 -- The quantity is worked out once.
      ) v
    ) c
    where c.calls > 0
    order by t.user_id, t.meter, t.period_start
    on conflict (user_id, meter, period_start) do update
      set period_end = excluded.period_end, superseded = false, closed_at = excluded.closed_at,
        used_at_close = excluded.used_at_close, limit_quantity = excluded.limit_quantity,
        cost_limit = excluded.cost_limit, unit_price = excluded.unit_price, warn_at = excluded.warn_at,
        on_exceeded = excluded.on_exceeded
      where usage_quotas.superseded
    -- A row that was there has been locked, which a new one never was.
    returning usage_quotas as quota, user_id, meter, period_start, period_end, closed_at,
      xmax::text <> '0' as is_revived
  ), by_service as (
    select o.user_id, m.service, bool_or(o.is_revived) as has_revived,
      min(o.period_end) filter (where o.closed_at is null and o.period_end <= at) as due_end
    from opened o join quota.meters m on m.key = o.meter
    group by o.user_id, m.service
  )
  select array_agg(b.user_id) filter (where b.due_end is not null),
    array_agg(b.service) filter (where b.due_end is not null),
    array_agg(b.due_end) filter (where b.due_end is not null), coalesce(bool_or(b.has_revived), false),
    (select array_agg((o.user_id, o.meter, o.period_start)::quota.quota_key) from opened o),
    (select array_agg(o.quota) from opened o where o.period_end > at and quota.needs_enforcement(o.quota))
  into due_users, due_services, due_ends, result.has_revived, result.quotas, result.crossed
  from by_service b;
  if due_users is not null then
    perform quota.make_due(due_users, due_services, due_ends);
  end if;
  return result;
end $$;
comment on function quota.open_periods(quota.usage_span[]) is
  'Opens the periods within spans that have calls and no quota yet, with what these come to, and makes due '
  'what of them is over. The caller holds the subscriptions, and enforces what was opened.';
