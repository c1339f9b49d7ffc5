create or replace function quota.percent_used(
  used numeric, allowance numeric, cost numeric, cost_limit numeric)
returns numeric
language sql immutable parallel safe
as $$
  -- The nearer of the two limits counts. A limit of nothing is always used up. 99.996 % is not yet all of it.
  select least(
    round(greatest(
      case when allowance = 0 then 100 else 100 * used / allowance end,
      case when cost_limit = 0 then 100 else 100 * cost / cost_limit end), 2),
    case when used < coalesce(allowance, 'infinity') and cost < coalesce(cost_limit, 'infinity')
      and (allowance is not null or cost_limit is not null) then 99.99 end)
$$;
comment on function quota.percent_used(numeric, numeric, numeric, numeric) is
  'Percent of the allowance or of the cost limit, whichever is more; null where there is no limit.';
