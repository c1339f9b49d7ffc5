create or replace function quota.limit_as_owners(owners uuid[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limited_owners uuid[];
begin
  select array_agg(distinct s.user_id) into limited_owners
  from quota.subscriptions s where s.user_id = any (owners) and s.limit_enforced_at is not null;
  if limited_owners is not null then
    perform quota.queue_assistants(limited_owners, 'limited');
  end if;
end $$;
comment on function quota.limit_as_owners(uuid[]) is
  'Queues the assistants of those of the owners who are limited to become so, too. The caller holds '
  'subscriptions and assistants.';
