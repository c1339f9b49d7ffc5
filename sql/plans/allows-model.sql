create or replace function quota.allows_model(allowed text[], model text) returns boolean
language sql stable parallel safe
as $$
  select allowed is null or model is null or model = any (allowed)
    or lower(model) = any (lower(allowed::text)::text[])
$$;
comment on function quota.allows_model(text[], text) is
  'Whether a plan with these allowed models (null: all) allows a call of a model, in capitals or not, or of '
  'one that is not told. Inlined.';
