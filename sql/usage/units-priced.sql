create or replace function quota.units_priced(unit text) returns integer
language sql immutable parallel safe
as $$
  select case unit when 'second' then 60 when 'token' then 1000000 when 'byte' then 1073741824 else 1 end
$$;
comment on function quota.units_priced(text) is
  'How many of a unit the price of a plan is for: prices are per minute, per million tokens, per GB, else '
  'per one. Inlined.';
