create or replace function quota.forget_lines(p_export integer) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  select quota.refuse_other_users(null);
  update quota.billing_lines b set raw = null, description = null
  from (
    select l.line
    from quota.users u
    join quota.call_logs g on g.user_id = u.id
    join quota.billing_lines l on l.export_id = p_export and l.external_id = g.provider_call_id
    where u.erased_at is not null
    union
    select l.line
    from quota.users u
    join quota.assistants a on a.user_id = u.id
    join quota.billing_lines l on l.export_id = p_export and l.assistant_id = a.provider_assistant_id
    where u.erased_at is not null
  ) theirs
  -- Nobody as a rule: without this all lines would be read to find out.
  where exists (select from quota.users u where u.erased_at is not null)
    and b.export_id = p_export and b.line = theirs.line and (b.raw is not null or b.description is not null)
$$;
comment on function quota.forget_lines(integer) is
  'Takes what is not needed to compute out of the lines of an export whose calls or assistants are those of '
  'erased users.';
