create or replace function quota.reap_sessions(batch_size integer, run uuid, only_user uuid default null)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[only_user]);
  return quota.settle_leases(array(
    select c.call_log_id from quota.concurrent_processing c
    where c.expires_at <= quota.now() and c.call_log_id is not null
      and (only_user is null or c.user_id = only_user)
    order by c.expires_at limit batch_size), run)
    + quota.mend_leases(batch_size, only_user);
end $$;
comment on function quota.reap_sessions(integer, uuid, uuid) is
  'Settles up to batch_size sessions whose lease has ended, at an estimate, and mends leases that do '
  'not follow from their calls; returns how many of both.';
