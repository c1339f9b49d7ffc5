create or replace function quota.model_key(model text) returns text
language sql immutable parallel safe
as $$ select regexp_replace(regexp_replace(quota.model_family(model), '^.*/|-latest$', '', 'g'),
  '[^[:alnum:]]', '', 'g') $$;
comment on function quota.model_key(text) is
  'A model in the letters and digits of its name: Claude Haiku 4.5 is claude-haiku-4-5-20251001.';

create or replace function quota.same_model(model text) returns text
language sql stable
as $$ select coalesce((select quota.model_key(a.model) from quota.model_aliases a
  where a.alias = quota.model_key($1)), quota.model_key($1)) $$;
comment on function quota.same_model(text) is
  'By what models are held against each other: their key, or that of the model for which an alias stands.';
