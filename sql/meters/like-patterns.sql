create or replace function quota.like_patterns(models text[]) returns text[]
language sql immutable parallel safe
as $$
  select array_agg(replace(replace(replace(replace(name, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%')
    order by name)
  from unnest(models) name where name like '%*%'
$$;
comment on function quota.like_patterns(text[]) is
  'The names with "*" among models, as like takes them; null: there are none.';
