create or replace function quota.erase_reasons(p_user uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update quota.grants g
  set reason = 'erased', revoke_reason = case when g.revoke_reason is not null then 'erased' end
  where g.user_id = p_user;
  update quota.adjustments a set reason = 'erased' where a.user_id = p_user and a.reason <> 'erased';
  update quota.limit_overrides o set reason = null where o.user_id = p_user and o.reason is not null;
  -- One reason may have been given for the discrepancies of several people.
  delete from quota.audit_reasons r
  using quota.audit_log a
  where a.id = r.audit_id and a.action = 'discrepancy.resolve'
    and a.after->'ids' ?| (
      select array_agg(d.id::text) from quota.discrepancies d
      where (d.user_id = p_user or d.owner_id = p_user) and d.reason is not null);
  update quota.discrepancies d set reason = 'erased'
  where (d.user_id = p_user or d.owner_id = p_user) and d.reason is not null;
  delete from quota.audit_reasons r where r.user_id = p_user;
end $$;
comment on function quota.erase_reasons(uuid) is
  'Reasons are free text: whatever was said about a user goes, and that something was said stays.';
