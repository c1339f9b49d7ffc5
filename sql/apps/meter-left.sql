create or replace function quota.meter_left(
  meter text, unit text, used numeric, limit_quantity numeric, remaining numeric, percent numeric,
  cost numeric, cost_limit numeric, resets_at timestamptz)
returns jsonb
language sql stable
as $$
  select jsonb_build_object('meter', meter, 'unit', unit, 'used', trim_scale(used)::text,
    'limit', trim_scale(limit_quantity)::text, 'remaining', trim_scale(greatest(remaining, 0))::text,
    'percent', percent::text, 'cost', trim_scale(cost)::text, 'cost_limit', trim_scale(cost_limit)::text,
    'resets_at', nullif(resets_at, 'infinity'))
$$;
comment on function quota.meter_left(
  text, text, numeric, numeric, numeric, numeric, numeric, numeric, timestamptz) is
  'What is left of one meter, as quota.check answers it of each: quantities and money as exact decimals in '
  'text. Inlined.';
