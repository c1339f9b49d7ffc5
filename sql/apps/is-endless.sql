create or replace function quota.is_endless(
  p_quantity numeric, p_cost numeric, p_metadata jsonb, p_texts text)
returns boolean
language sql stable
as $$
  select p_quantity < 0 or p_cost < 0 or greatest(p_quantity, p_cost) >= 1e9
    or greatest(scale(p_quantity), scale(p_cost)) > 6 or pg_column_size(p_metadata) > 40000
    or octet_length(p_texts) > 255
$$;
comment on function quota.is_endless(numeric, numeric, jsonb, text) is
  'Whether what is told of a call has to be looked at closely: quickly, for hardly any has. Inlined.';
