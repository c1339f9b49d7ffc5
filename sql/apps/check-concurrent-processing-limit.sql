create or replace function quota.check_concurrent_processing_limit(p_user text, p_service text default null)
returns table (service text, can_process boolean, active integer, max_concurrent integer)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select s.service, p.max_concurrent is null or count(c.id) < p.max_concurrent, count(c.id)::integer,
    p.max_concurrent
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.services_of(o.id, p_service) s
  join quota.plans p on p.key = s.plan
  left join quota.concurrent_processing c on c.user_id = o.id and c.service = s.service
    and c.expires_at > quota.now()
  where quota.refuse_unknown_service(p_service)
  group by s.service, p.max_concurrent
  order by s.service
$$;
comment on function quota.check_concurrent_processing_limit(text, text) is
  'Whether one more job may run, per service, also before the first call; max_concurrent null: no limit.';
