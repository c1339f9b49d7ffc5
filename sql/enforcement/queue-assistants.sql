create or replace function quota.queue_assistants(users uuid[], wanted text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  queued integer;
begin
  if wanted = 'limited' then
    insert into quota.assistant_limits as l (assistant_id, user_id, desired, status, next_attempt_at)
    select a.id, a.user_id, 'limited', 'pending', quota.now()
    from quota.assistants a
    where a.user_id = any (users) and a.state = 'active' and not a.is_gated
      and a.held is distinct from 'original'
    order by a.id
    on conflict (assistant_id) do update
    set desired = 'limited', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.desired <> 'limited' and l.status <> 'gone';
  else
    perform 1 from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'limited' and l.status <> 'gone'
    order by l.assistant_id for no key update;
    -- What was left unlimited by hand was so for the limit that ends.
    update quota.assistants a set held = null
    where a.user_id = any (users) and a.held = 'original' and not exists (
      select 1 from quota.subscriptions s where s.user_id = a.user_id and s.limit_enforced_at is not null);
    -- A user limited for another service stays limited, and so does what was limited by hand.
    update quota.assistant_limits l
    set desired = 'original', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.user_id = any (users) and l.desired = 'limited' and l.status <> 'gone'
      and not exists (
        select 1 from quota.subscriptions s where s.user_id = l.user_id and s.limit_enforced_at is not null)
      and not exists (
        select 1 from quota.assistants a where a.id = l.assistant_id and a.held = 'limited');
  end if;
  get diagnostics queued = row_count;
  return queued;
end $$;
comment on function quota.queue_assistants(uuid[], text) is
  'Queues the assistants of users to become limited or original again; returns how many were queued.';
