create or replace function quota.reserved_for(p_user uuid, p_service text) returns numeric
language sql stable
as $$
  select coalesce(sum(c.reserved), 0) from quota.concurrent_processing c
  where c.user_id = p_user and c.service = p_service and c.expires_at > quota.now()
$$;
comment on function quota.reserved_for(uuid, text) is
  'What running sessions may still use, in the unit of the service.';
