create or replace function quota.check_concurrent_processing_limit(p_user uuid, p_service text default null)
returns table (service text, can_process boolean, active integer, max_concurrent integer)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select s.service, p.max_concurrent is null or count(c.id) < p.max_concurrent, count(c.id)::integer,
    p.max_concurrent
  from quota.subscriptions s
  join quota.plans p on p.key = s.plan
  left join quota.concurrent_processing c on c.user_id = s.user_id and c.service = s.service
    and c.expires_at > quota.now()
  where s.user_id = p_user and (p_service is null or s.service = p_service)
    and quota.refuse_other_user(p_user)
  group by s.service, p.max_concurrent
  order by s.service
$$;
comment on function quota.check_concurrent_processing_limit(uuid, text) is
  'Whether one more job may run, per service; null: no limit.';
