create or replace function quota.like_patterns(models text[]) returns text[]
language sql immutable parallel safe
as $$
  select array_agg(lower(replace(replace(replace(replace(name, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%'))
    order by name)
  from unnest(models) name
$$;
comment on function quota.like_patterns(text[]) is
  'Models, "*" for any text, as like takes them, in small letters; null: all models.';
