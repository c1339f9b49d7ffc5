create or replace function quota.counts_model(models text[], model text) returns boolean
language sql immutable parallel safe
as $$ select models is null or model = any (models) $$;
comment on function quota.counts_model(text[], text) is
  'Whether a meter with these models (null: all) counts a call of a model. Inlined: write it in joins.';
