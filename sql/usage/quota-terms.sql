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
    case when p.past is null then quota.granted_now(l.user_id, l.meter) else 0 end,
    case when upper(p.period) <= l.last_reset_at then clock.at end,
    case when upper(p.period) <= l.last_reset_at then 0::numeric end
  -- Asked once, and apart (offset 0): written out at each place, the clock would be made ready at each.
  from (select quota.now() as at offset 0) clock
  cross join quota.meters m
  -- By the user, and before periods are worked out: of a table that was filled a moment ago the server knows
  -- so little that it went through all who have the plan.
  cross join lateral (
    select * from quota.user_limits u where u.user_id = p_user and u.service = m.service and u.meter = m.key
    offset 0
  ) l
  cross join lateral (
    select b.period, case when upper(b.period) <= clock.at then b.period end as past
    from quota.periods_between(
      quota.limit_anchor(l.reset_anchor, l.boundary, l.anchor_local), l.reset_every, l.timezone, p_first,
      p_last) b(period)
    offset 0
  ) p
  left join lateral quota.former_terms(l.user_id, l.service, l.plan, l.meter, p.past) f on true
  where m.key = p_meter and p.period is not null
$$;
comment on function quota.quota_terms(uuid, text, timestamptz, timestamptz) is
  'The quota rows, not opened yet, of a user''s meter for the periods between two instants. A period that a '
  'reset already passed over starts closed, with nothing used at its close.';
