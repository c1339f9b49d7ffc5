create or replace function quota.erase_mentions(p_pattern text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if p_pattern is null then
    return;
  end if;
  delete from quota.audit_reasons r where r.reason ~* p_pattern;
  update quota.grants g set reason = 'erased' where g.reason ~* p_pattern;
  update quota.grants g set revoke_reason = 'erased' where g.revoke_reason ~* p_pattern;
  update quota.adjustments a set reason = 'erased' where a.reason ~* p_pattern;
  update quota.limit_overrides o set reason = null where o.reason ~* p_pattern;
  update quota.plan_versions v set reason = 'erased' where v.reason ~* p_pattern;
  update quota.discrepancies d set reason = 'erased' where d.reason ~* p_pattern;
  update quota.reconciliations r set close_reason = 'erased' where r.close_reason ~* p_pattern;
  update quota.job_runs j set error = 'erased' where j.error ~* p_pattern;
  delete from quota.adopt_dead d where d.reason ~* p_pattern or d.told::text ~* p_pattern;
  update quota.adopt_sources s set follow_error = 'erased' where s.follow_error ~* p_pattern;
  update quota.adopt_mirrors m set error = 'erased' where m.error ~* p_pattern;
  update quota.billing_lines b set raw = null, description = null
  where b.description ~* p_pattern or b.raw::text ~* p_pattern;
end $$;
comment on function quota.erase_mentions(text) is
  'Takes out free text of others, of months, plans and runs that has the words of a pattern in it.';
