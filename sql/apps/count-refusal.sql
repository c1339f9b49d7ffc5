create or replace function quota.count_refusal(p_user text, p_service text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid;
begin
  if p_user is null then
    perform quota.refuse_other_user(null);
  else
    owner := quota.user_or_newcomer(p_user);
  end if;
  if p_service is null then
    raise exception 'a refusal is of a service' using errcode = 'QT002';
  end if;
  perform quota.refuse_unknown_service(p_service);
  if p_reason is null or p_reason !~ '^[a-z][a-z0-9_]{0,59}$' then
    raise exception 'a reason is one word of a-z, 0-9 and _, like quota_exceeded, not "%"',
      quota.shown(p_reason) using errcode = 'QT003';
  end if;
  perform quota.note_refusal(p_service, case when owner is null
    then (select p.key from quota.plans p where p.service = p_service and p.anonymous limit 1)
    else (select s.plan from quota.services_of(owner, p_service) s limit 1) end, p_reason);
end $$;
comment on function quota.count_refusal(text, text, text) is
  'Counts that a user was told no (HTTP 429) for a reason, as quota.check names it; a null user: somebody '
  'not signed in. quota.start_session, quota.gate and quota.add_assistant count their own; quota.check only '
  'asks, also where nothing can be written.';
