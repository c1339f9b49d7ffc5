create or replace function quota.cost_of(cost numeric, unit text, quantity numeric, unit_price numeric)
returns numeric
language sql immutable parallel safe
as $$
  -- What a message or a minute costs is told in millionths; a token costs less than that.
  select coalesce(cost, case
    when unit in ('token', 'byte')
      then trim_scale(round(quantity * unit_price / quota.units_priced(unit), 12))
    else round(quantity * unit_price / quota.units_priced(unit), 6) end, 0)
$$;
comment on function quota.cost_of(numeric, text, numeric, numeric) is
  'What a call log cost: as logged, else estimated by the price of the unit (quota.units_priced).';
