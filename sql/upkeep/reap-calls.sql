create or replace function quota.reap_calls(
  batch_size integer, run uuid, idle interval, only_user uuid default null)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  calls bigint[];
  reaped integer;
begin
  perform quota.refuse_other_users(array[only_user]);
  calls := array(select c.id from quota.idle_calls(idle, only_user) c order by c.started_at limit batch_size);
  perform 1 from quota.call_logs l where l.id = any (calls) order by l.id for no key update;
  with settled as (
    update quota.call_logs l set status = 'error', error_message = 'call did not end',
      settled_by = 'nobody'
    where l.id = any (calls) and l.status = 'active'
    returning l.id, l.user_id, l.service, l.duration_seconds
  )
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after, run_id)
  select 'call.reaped', s.user_id, s.service, s.id::text, 'call did not end',
    jsonb_build_object('status', 'active'),
    jsonb_build_object('status', 'error', 'durationSeconds', s.duration_seconds::text), run
  from settled s;
  get diagnostics reaped = row_count;
  return reaped;
end $$;
comment on function quota.reap_calls(integer, uuid, interval, uuid) is
  'Ends up to batch_size calls without a lease that have been active for longer than idle; what they lasted '
  'stays unknown until the app or the bill tells.';
