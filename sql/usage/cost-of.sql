create or replace function quota.cost_of(cost numeric, unit text, quantity numeric, unit_price numeric)
returns numeric
language sql immutable parallel safe
as $$ select coalesce(cost, round(quantity * unit_price / case unit when 'second' then 60 else 1 end, 6),
  0) $$;
comment on function quota.cost_of(numeric, text, numeric, numeric) is
  'What a call log cost: as logged, else estimated by the price per minute or message.';
