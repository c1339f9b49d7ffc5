create or replace function quota.counts_model(models text[], patterns text[], model text) returns boolean
language sql immutable parallel safe
as $$ select models is null or lower(model) like any (patterns) $$;
comment on function quota.counts_model(text[], text[], text) is
  'Whether a meter with these models (null: all), of which patterns is quota.like_patterns, counts a call of '
  'a model. Providers write GPT-4o and gpt-4o: it is one. Inlined: write it in joins.';
