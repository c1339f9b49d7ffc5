-- Who changes anything of a (user, service) holds its subscription first: writers of usage, resets, changes
-- of plan, all of them "for no key update", by user and service, in one go. What follows (quotas, alerts,
-- marks) is then theirs alone, in any order. Only assistants are shared by the services of a user: they are
-- locked last, by id, in one go. New subscriptions come before that, also by user and service. So nobody
-- waits in a circle. A weaker lock here would have to be raised when a limit is reached, and two writers that
-- both wait to raise theirs are a deadlock.

create or replace function quota.lock_subscriptions(users uuid[], services text[]) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  missing_users uuid[];
  missing_services text[];
begin
  select array_agg(p.user_id), array_agg(p.service) into missing_users, missing_services
  from unnest(users, services) p(user_id, service)
  where not exists (select from quota.subscriptions s where s.user_id = p.user_id and s.service = p.service);
  if missing_users is not null then
    perform set_config('quota.counting', 'on', true);
    perform quota.subscribe_to_defaults(missing_users, missing_services);
    perform set_config('quota.counting', '', true);
  end if;
  -- Since when this transaction keeps others of these users waiting, for who loads many calls.
  if coalesce(current_setting('quota.held_since', true), '') = '' then
    perform set_config('quota.held_since', clock_timestamp()::text, true);
  end if;
  perform quota.hold_subscriptions(users, services);
  if missing_users is null then
    return false;
  end if;
  perform quota.refresh_quotas(users, services, false);
  return true;
end $$;
comment on function quota.lock_subscriptions(uuid[], text[]) is
  'Locks the subscriptions of (user, service) pairs until the transaction ends; puts those that have none on '
  'the default plan. True: there were such, and the calls of all pairs have been counted. Once per '
  'transaction, before anything else.';
