create or replace function quota.bent_reasons() returns table (audit_id bigint, fault text)
language sql stable
as $$
  with erasures as (select max(e.id) as last_id from quota.audit_log e where e.action = 'user.erased')
  select coalesce(a.id, r.audit_id),
    case
      when a.id is null then 'a reason of a row that is not there'
      when r.audit_id is null then 'the reason was removed'
      else 'the reason was changed'
    end
  from (select l.id, l.reason from quota.audit_log l where l.reason ~ '^sha256:[0-9a-f]{64}$') a
  full join quota.audit_reasons r on r.audit_id = a.id
  where a.reason is distinct from quota.reason_digest(r.salt, r.reason)
    and not (r.audit_id is null and a.id < (select coalesce(last_id, 0) from erasures))
  order by 1
$$;
comment on function quota.bent_reasons() is
  'Reasons that are not the words that their audit rows were written with. One that is missing may have been '
  'erased with a person since.';
