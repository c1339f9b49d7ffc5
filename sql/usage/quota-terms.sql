create or replace function quota.quota_terms(
  p_user uuid, p_meter text, p_first timestamptz, p_last timestamptz)
returns table (
  user_id uuid, meter text, period_start timestamptz, period_end timestamptz, limit_quantity numeric,
  cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text, granted numeric,
  closed_at timestamptz, used_at_close numeric)
language sql stable
as $$
  select l.user_id, l.meter, lower(p.period), upper(p.period),
    case when f.on_exceeded is null then l.limit_quantity else f.limit_quantity end,
    case when f.on_exceeded is null then l.cost_limit else f.cost_limit end,
    case when f.on_exceeded is null then l.unit_price else f.unit_price end,
    coalesce(f.warn_at, l.warn_at), coalesce(f.on_exceeded, l.on_exceeded),
    case when upper(p.period) > quota.now() then quota.granted_now(l.user_id, l.meter) else 0 end,
    case when upper(p.period) <= l.last_reset_at then quota.now() end,
    case when upper(p.period) <= l.last_reset_at then 0::numeric end
  from quota.meters m
  join quota.user_limits l on l.service = m.service and l.meter = m.key
  cross join lateral quota.periods_between(
    quota.limit_anchor(l.reset_anchor, l.boundary, l.anchor_local), l.reset_every, l.timezone, p_first,
    p_last) p(period)
  left join lateral quota.former_terms(l.user_id, l.service, l.plan, l.meter, p.period) f
    on upper(p.period) <= quota.now()
  where m.key = p_meter and l.user_id = p_user and p.period is not null
$$;
comment on function quota.quota_terms(uuid, text, timestamptz, timestamptz) is
  'The quota rows, not opened yet, of a user''s meter for the periods between two instants. A period that a '
  'reset already passed over starts closed, with nothing used at its close.';
