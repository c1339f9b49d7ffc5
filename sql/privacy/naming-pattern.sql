create or replace function quota.naming_pattern(p_user uuid) returns text
language sql stable
as $$
  with told as (
    select u.external_id as name from quota.users u where u.id = p_user and u.erased_at is null
    union select u.email from quota.users u where u.id = p_user
    union select u.name from quota.users u where u.id = p_user
    union
    select v.value
    from quota.audit_personal p
    cross join lateral jsonb_each_text(coalesce(p.before, '{}') || '{}') v
    where p.user_id = p_user and v.key in ('externalId', 'email', 'name')
    union
    select v.value
    from quota.audit_personal p
    cross join lateral jsonb_each_text(coalesce(p.after, '{}') || '{}') v
    where p.user_id = p_user and v.key in ('externalId', 'email', 'name')
  )
  select '(^|[^[:alnum:]])('
    || string_agg(regexp_replace(trim(name), '([^[:alnum:][:space:]_])', '\\\1', 'g'), '|')
    || ')($|[^[:alnum:]])'
  from told where length(trim(name)) >= 3
$$;
comment on function quota.naming_pattern(uuid) is
  'A regular expression, to be matched in any case, for text that has the email, the name or the external id '
  'of a user, now or in former times, as words; null: there is nothing that could be looked for.';
