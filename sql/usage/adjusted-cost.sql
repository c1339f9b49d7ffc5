create or replace function quota.adjusted_cost(p_user uuid, p_meter text, p_period_start timestamptz)
returns numeric
language sql stable
as $$
  select sum(a.cost) from quota.adjustments a
  where a.user_id = p_user and a.meter = p_meter and a.period_start = p_period_start
$$;
comment on function quota.adjusted_cost(uuid, text, timestamptz) is
  'What corrections add to the cost of a period, for its pace; null: nothing.';
