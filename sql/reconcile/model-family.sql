create or replace function quota.model_family(model text) returns text
language sql immutable parallel safe
as $$ select regexp_replace(lower(model), '-(\d{4}-\d{2}-\d{2}|\d{8})$', '') $$;
comment on function quota.model_family(text) is
  'A model without its release date: bills say gpt-4o-2024-08-06 where apps say gpt-4o.';
