create or replace function quota.revoke_grant(p_grant bigint, p_reason text) returns quota.grants
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  revoked quota.grants;
  its_service text;
begin
  select g.user_id, m.service into revoked.user_id, its_service
  from quota.grants g join quota.meters m on m.key = g.meter where g.id = p_grant;
  perform quota.refuse_other_users(array[revoked.user_id]);
  perform quota.lock_allowance(revoked.user_id, its_service);
  update quota.grants g set revoked_at = quota.now(), revoked_by = quota.actor(), revoke_reason = p_reason
  where g.id = p_grant and g.user_id = revoked.user_id and g.revoked_at is null
  returning g.* into revoked;
  if found then
    perform quota.settle_grants(array[revoked.user_id], array[its_service]);
  end if;
  return revoked;
end $$;
comment on function quota.revoke_grant(bigint, text) is
  'Takes a grant back: it gives nothing more, and what it gave stays given. Null id: there is none that can '
  'be taken back.';
