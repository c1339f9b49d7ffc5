create or replace function quota.remaining_of(
  allowance numeric, used numeric, cost_limit numeric, cost numeric, unit text, unit_price numeric,
  reserved numeric)
returns numeric
language sql immutable parallel safe
as $$
  -- Null where nothing limits: "greatest" alone would make nothing left of it.
  select case when l.quantity is not null then greatest(l.quantity - reserved, 0) end
  from (select least(
    allowance - used,
    case when unit_price > 0
      then trunc((cost_limit - cost) * quota.units_priced(unit) / unit_price, 3) end
  ) as quantity) l
$$;
comment on function quota.remaining_of(numeric, numeric, numeric, numeric, text, numeric, numeric) is
  'What may still be used, by the allowance or for the money that is left at the price, whichever is less, '
  'beside what running sessions have reserved; null: no limit.';
