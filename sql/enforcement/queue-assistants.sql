create or replace function quota.queue_assistants(users uuid[], wanted text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if wanted = 'limited' then
    return quota.queue_changes(array(
      select a.id from quota.assistants a
      where a.user_id = any (users) and not a.is_gated and a.held is distinct from 'original'), wanted);
  end if;
  perform 1 from quota.assistant_limits l
  where l.user_id = any (users) and l.desired = 'limited' and l.status <> 'gone'
  order by l.assistant_id for no key update;
  -- What was left unlimited by hand was so for the limit that ends.
  update quota.assistants a set held = null
  where a.user_id = any (users) and a.held = 'original' and not exists (
    select 1 from quota.subscriptions s where s.user_id = a.user_id and s.limit_enforced_at is not null);
  -- A user limited for another service stays limited, and so does what was limited by hand.
  return quota.queue_changes(array(
    select l.assistant_id from quota.assistant_limits l
    where l.user_id = any (users)
      and not exists (
        select 1 from quota.subscriptions s where s.user_id = l.user_id and s.limit_enforced_at is not null)
      and not exists (
        select 1 from quota.assistants a where a.id = l.assistant_id and a.held = 'limited')), wanted);
end $$;
comment on function quota.queue_assistants(uuid[], text) is
  'Queues the assistants of users to become limited or original again; returns how many were queued.';
