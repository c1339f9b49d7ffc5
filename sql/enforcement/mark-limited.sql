create or replace function quota.mark_limited(
  users uuid[], services text[], limited boolean, since timestamptz[] default null)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.hold_subscriptions(users, services);
  update quota.subscriptions s
  set limit_enforced_at = case when limited then coalesce(p.since, quota.now()) end
  from (
    select u.user_id, u.service, min(u.since) as since
    from unnest(users, services, since) u(user_id, service, since)
    group by u.user_id, u.service
  ) p
  where s.user_id = p.user_id and s.service = p.service and (s.limit_enforced_at is null) = limited;
  perform quota.queue_assistants(users, case when limited then 'limited' else 'original' end);
end $$;
comment on function quota.mark_limited(uuid[], text[], boolean, timestamptz[]) is
  'Sets limit_enforced_at of (user, service) pairs, to what is given or now, or clears it, and queues their '
  'assistants accordingly.';
