create or replace function quota.revive_assistants(p_assistants uuid[], p_run uuid)
returns table (assistant_id uuid, desired text, change bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  their_users uuid[] := array(select a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.refuse_other_users(their_users);
  -- A limit that is put on or lifted in the meantime reaches these assistants, or this sees it.
  perform quota.hold_subscriptions(their_users);
  perform quota.hold_assistants(their_users);
  return query
  with revived as (
    update quota.assistant_limits l
    set desired = (
        select case when a.is_gated then 'original' else coalesce(a.held, case
          when a.is_given_up and a.state = 'gone' then 'original'
          when exists (
            select from quota.subscriptions s where s.user_id = l.user_id and s.limit_enforced_at is not null)
          then 'limited' else 'original' end) end
        from quota.assistants a where a.id = l.assistant_id),
      status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(),
      requested_at = quota.now(), updated_at = quota.now()
    where l.assistant_id = any (p_assistants) and l.status = 'gone'
    returning l.assistant_id, l.user_id, l.desired, l.change
  ), known as (
    update quota.assistants a set state = 'active'
    where a.id = any (p_assistants) and a.state = 'gone' and not a.is_given_up
  ), audited as (
    insert into quota.audit_log (action, user_id, subject, run_id)
    select 'assistant.found', r.user_id, a.provider_assistant_id, p_run
    from revived r join quota.assistants a on a.id = r.assistant_id
  )
  select r.assistant_id, r.desired, r.change from revived r;
end $$;
comment on function quota.revive_assistants(uuid[], uuid) is
  'Puts assistants that were gone and that the provider knows again back to work, limited or not as their '
  'users are. Those that their owners gave up stay gone, and get back what they had.';
