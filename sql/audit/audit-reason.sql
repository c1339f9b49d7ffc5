-- Called stable, not immutable, so that it is inlined.
create or replace function quota.audit_reason(a quota.audit_log) returns text
language sql stable parallel safe
as $$
  select case when a.reason ~ '^sha256:[0-9a-f]{64}$'
    then (select r.reason from quota.audit_reasons r where r.audit_id = a.id) else a.reason end
$$;
comment on function quota.audit_reason(quota.audit_log) is
  'Why it was done, in the words that were given; null: without a reason, or its user was erased.';
