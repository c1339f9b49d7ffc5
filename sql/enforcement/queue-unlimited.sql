create or replace function quota.queue_unlimited(
  batch_size integer, only_user uuid default null, out users integer, out queued integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found_users uuid[];
begin
  perform quota.refuse_other_users(array[only_user]);
  -- Locked, so that a reset cannot lift the limit of a user between the look and the queueing.
  select array_agg(distinct o.user_id) into found_users
  from (
    select s.user_id
    from quota.subscriptions s
    where s.limit_enforced_at is not null and (only_user is null or s.user_id = only_user)
      and quota.has_unlimited(s.user_id)
    order by s.user_id, s.service
    limit batch_size
    for no key update skip locked
  ) o;
  users := coalesce(cardinality(found_users), 0);
  queued := 0;
  if users = 0 then
    return;
  end if;
  perform quota.hold_assistants(found_users);
  -- An assistant that was gone and is known again.
  update quota.assistant_limits l
  set desired = 'limited', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
    next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
  from quota.assistants a
  where a.id = l.assistant_id and l.user_id = any (found_users) and l.status = 'gone' and a.state = 'active'
    and not a.is_gated and a.held is distinct from 'original';
  get diagnostics queued = row_count;
  queued := queued + quota.queue_assistants(found_users, 'limited');
end $$;
comment on function quota.queue_unlimited(integer, uuid) is
  'Queues the assistants of up to batch_size limited users that are not queued to be limited: made, taken '
  'over or found again after the limit.';
