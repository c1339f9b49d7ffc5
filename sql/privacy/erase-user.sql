create or replace function quota.erase_user(p_user uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.erase_mentions(quota.naming_pattern(p_user));
  perform quota.erase_reasons(p_user);
  insert into quota.erased_names (digest)
  select encode(sha256(convert_to(u.external_id, 'UTF8')), 'hex') from quota.users u
  where u.id = p_user and u.erased_at is null
  on conflict do nothing;
  update quota.users u
  set external_id = 'erased-' || u.id, email = null, name = null,
    erased_at = coalesce(u.erased_at, quota.now())
  where u.id = p_user;
  update quota.call_logs l set metadata = null, error_message = null
  where l.user_id = p_user and (l.metadata is not null or l.error_message is not null);
  update quota.assistants a set name = null, numbers = '{}'
  where a.user_id = p_user and (a.name is not null or a.numbers <> '{}');
  update quota.billing_lines b set raw = null, description = null
  where (b.raw is not null or b.description is not null) and (
    b.external_id in (select l.provider_call_id from quota.call_logs l where l.user_id = p_user)
    or b.assistant_id in (select a.provider_assistant_id from quota.assistants a where a.user_id = p_user));
  -- What an assistant that is limited had before stays until it is restored, which takes it away.
  update quota.assistant_limits l
  set last_error = null, original = case when l.status <> 'gone' then l.original end,
    applied = case when l.status <> 'gone' then l.applied end,
    made = case when l.status <> 'gone' then l.made else '[]' end,
    doubtful = case when l.status <> 'gone' then l.doubtful else '{}' end
  where l.user_id = p_user and (
    l.last_error is not null or l.original is not null or l.applied is not null or l.made <> '[]'
    or l.doubtful <> '{}');
  update quota.alert_deliveries d set last_error = null
  where d.user_id = p_user and d.last_error is not null;
  delete from quota.assistant_originals o where o.user_id = p_user;
  delete from quota.audit_personal p where p.user_id = p_user;
end $$;
comment on function quota.erase_user(uuid) is
  'Takes the person out and leaves the facts: usage, costs, resets and reconciliations stay, under an id '
  'that names nobody. Reasons about the person go, and what else has words of the person in it.';
