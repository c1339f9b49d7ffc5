create or replace function quota.hold_subscriptions(users uuid[], services text[] default null) returns void
language plpgsql
as $$
begin
  perform 1 from quota.subscriptions s
  where s.user_id = any (users)
    and (services is null or (s.user_id, s.service) in (select * from unnest(users, services)))
  order by s.user_id, s.service for no key update;
end $$;
comment on function quota.hold_subscriptions(uuid[], text[]) is
  'Locks the subscriptions of (user, service) pairs, or all of users, until the transaction ends, in the one '
  'order of locks. Those that are not there are not made: see lock_subscriptions.';
