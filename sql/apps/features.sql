create or replace function quota.features(p_user text, p_service text default null)
returns table (service text, plan text, features jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select s.service, p.key, p.features
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.services_of(o.id, p_service) s
  join quota.plans p on p.key = s.plan
  where quota.refuse_unknown_service(p_service)
  order by s.service
$$;
comment on function quota.features(text, text) is
  'What else the plans of a user include, by service: an object of names with true, false, numbers or texts; '
  'also before the first call.';
