create type quota.usage_span as (user_id uuid, meter text, first timestamptz, last timestamptz);
comment on type quota.usage_span is
  'From the first to the last call of a user''s meter that are to be covered by quotas.';

create type quota.opened_periods as (quotas quota.quota_key[], has_revived boolean);
comment on type quota.opened_periods is
  'What was opened and holds nothing yet; whether a period of a former plan became one of the present plan, '
  'and must be counted anew.';

create or replace function quota.open_periods(spans quota.usage_span[]) returns quota.opened_periods
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  due_users uuid[];
  due_services text[];
  due_ends timestamptz[];
  result quota.opened_periods;
begin
  with opened as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       granted, closed_at, used_at_close,
       lowered_at)
    select t.*, case when t.period_end > quota.now() then (
      -- What was used on a former plan is beyond the present one since it holds.
      select max(f.until) from quota.former_plans f
      where f.user_id = t.user_id and f.service = m.service and f.until > t.period_start) end
    from unnest(spans) s
    join quota.meters m on m.key = s.meter
    cross join lateral quota.quota_terms(s.user_id, s.meter, s.first, s.last) t
    where exists (
      select from quota.meter_terms f
      join quota.call_logs c on c.service = f.service and quota.counts_model(f.models, f.patterns, c.model)
      where f.key = t.meter and t.period_end > f.since and t.period_end <= f.until
        and c.user_id = t.user_id and c.started_at >= t.period_start and c.started_at < t.period_end)
    order by t.user_id, t.meter, t.period_start
    on conflict (user_id, meter, period_start) do update
      set period_end = excluded.period_end, superseded = false, closed_at = excluded.closed_at,
        used_at_close = excluded.used_at_close, limit_quantity = excluded.limit_quantity,
        cost_limit = excluded.cost_limit, unit_price = excluded.unit_price, warn_at = excluded.warn_at,
        on_exceeded = excluded.on_exceeded
      where usage_quotas.superseded
    -- A row that was there has been locked, which a new one never was.
    returning user_id, meter, period_start, period_end, closed_at, xmax::text <> '0' as is_revived
  ), by_service as (
    select o.user_id, m.service, bool_or(o.is_revived) as has_revived,
      min(o.period_end) filter (where o.closed_at is null and o.period_end <= quota.now()) as due_end
    from opened o join quota.meters m on m.key = o.meter
    group by o.user_id, m.service
  )
  select array_agg(b.user_id) filter (where b.due_end is not null),
    array_agg(b.service) filter (where b.due_end is not null),
    array_agg(b.due_end) filter (where b.due_end is not null), coalesce(bool_or(b.has_revived), false),
    (select array_agg((o.user_id, o.meter, o.period_start)::quota.quota_key) from opened o)
  into due_users, due_services, due_ends, result.has_revived, result.quotas
  from by_service b;
  if due_users is not null then
    perform quota.make_due(due_users, due_services, due_ends);
  end if;
  return result;
end $$;
comment on function quota.open_periods(quota.usage_span[]) is
  'Opens the periods within spans that have calls and no quota yet, and makes due what of them is over. The '
  'caller holds the subscriptions, and counts what was opened.';
