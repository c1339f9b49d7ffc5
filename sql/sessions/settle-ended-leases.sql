create or replace function quota.settle_ended_leases(p_user uuid, p_service text) returns void
language plpgsql
as $$
declare
  ended bigint[] := array(
    select c.call_log_id from quota.concurrent_processing c
    where c.user_id = p_user and c.service = p_service and c.expires_at <= quota.now()
      and c.call_log_id is not null);
begin
  if cardinality(ended) > 0 then
    perform quota.settle_leases(ended);
  end if;
end $$;
comment on function quota.settle_ended_leases(uuid, text) is
  'Settles the sessions of a user''s service whose lease has ended, before another one starts: nothing is '
  'given twice. To be called before anything of the user is locked.';
