create or replace function quota.counts_model(models text[], patterns text[], model text) returns boolean
language sql immutable parallel safe
as $$ select models is null or model = any (models) or model like any (patterns) $$;
comment on function quota.counts_model(text[], text[], text) is
  'Whether a meter with these models and patterns (null: all) counts a call of a model. Inlined: write it in '
  'joins.';
