create or replace function quota.cost_of(cost numeric, unit text, quantity numeric, unit_price numeric)
returns numeric
language sql immutable parallel safe
as $$
  -- What a message or a minute costs is told in millionths; a token costs less than that. The quantity is
  -- named once: named twice, one that has to be worked out keeps the function from being inlined, which then
  -- costs as much as all the rest of counting a call.
  select coalesce(cost,
    trim_scale(round(quantity * unit_price / quota.units_priced(unit),
      case when unit in ('token', 'byte') then 12 else 6 end))
    -- Millionths are written out.
    + case when unit in ('token', 'byte') then 0 else 0.000000 end,
    0)
$$;
comment on function quota.cost_of(numeric, text, numeric, numeric) is
  'What a call log cost: as logged, else estimated by the price of the unit (quota.units_priced).';
