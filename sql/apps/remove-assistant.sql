create or replace function quota.remove_assistant(
  p_user text, p_assistant_id text, out removed boolean, out assistants integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid := quota.resolve_user(p_user);
  known quota.assistants;
begin
  perform quota.hold_subscriptions(array[owner]);
  perform quota.hold_assistants(array[owner]);
  select * into known from quota.assistants a where a.provider_assistant_id = p_assistant_id;
  if known.id is null or known.user_id <> owner then
    raise exception 'the user has no assistant "%"', quota.shown(p_assistant_id) using errcode = 'QT003';
  end if;
  removed := known.state = 'active';
  update quota.assistants a set state = 'gone', is_given_up = false
  where a.id = known.id and removed;
  -- Nothing is left to be limited or restored at the provider; who works on it finds another change.
  update quota.assistant_limits l
  set status = 'gone', change = l.change + 1, next_attempt_at = null, updated_at = quota.now()
  where l.assistant_id = known.id and l.status <> 'gone';
  select count(*) into assistants from quota.assistants a where a.user_id = owner and a.state = 'active';
end $$;
comment on function quota.remove_assistant(text, text) is
  'Tells that an assistant was deleted at the provider: it counts no more for the maximum of the plan, and '
  'its limit is not worked on any more. removed false: it was gone already.';
