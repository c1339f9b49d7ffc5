create or replace function quota.mark_limited(users uuid[], services text[], limited boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.hold_subscriptions(users, services);
  update quota.subscriptions s
  set limit_enforced_at = case when limited then quota.now() end
  where (s.user_id, s.service) in (select * from unnest(users, services))
    and (s.limit_enforced_at is null) = limited;
  perform quota.queue_assistants(users, case when limited then 'limited' else 'original' end);
end $$;
comment on function quota.mark_limited(uuid[], text[], boolean) is
  'Sets or clears limit_enforced_at of (user, service) pairs and queues their assistants accordingly.';
