create or replace function quota.queue_changes(p_assistants uuid[], wanted text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  queued integer;
begin
  if wanted = 'limited' then
    insert into quota.assistant_limits as l (assistant_id, user_id, desired, status, next_attempt_at)
    select a.id, a.user_id, 'limited', 'pending', quota.now()
    from quota.assistants a
    where a.id = any (p_assistants) and a.state = 'active'
    order by a.id
    on conflict (assistant_id) do update
    set desired = 'limited', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.desired <> 'limited' and l.status <> 'gone';
  else
    update quota.assistant_limits l
    set desired = 'original', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.assistant_id = any (p_assistants) and l.desired = 'limited' and l.status <> 'gone';
  end if;
  get diagnostics queued = row_count;
  return queued;
end $$;
comment on function quota.queue_changes(uuid[], text) is
  'Queues assistants to become limited or original again, where they are not to be so already; how many. The '
  'caller holds subscriptions and assistants.';
