create or replace function quota.limit_assistants(p_assistants uuid[], p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owners uuid[] := array(select distinct a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.refuse_other_users(owners);
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  with held as (
    update quota.assistants a set held = 'limited'
    where a.id = any (p_assistants) and not a.is_gated and a.held is distinct from 'limited'
    returning a.user_id, a.provider_assistant_id
  )
  insert into quota.audit_log (action, user_id, subject, reason, after)
  select 'assistant.limit_applied', h.user_id, h.provider_assistant_id, p_reason, '{"held": "limited"}'
  from held h;
  perform quota.queue_changes(array(
    select a.id from quota.assistants a where a.id = any (p_assistants) and a.held = 'limited'), 'limited');
end $$;
comment on function quota.limit_assistants(uuid[], text) is
  'Limits assistants by hand, whatever their users are, until they are restored by hand.';

create or replace function quota.restore_assistants(p_assistants uuid[], p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owners uuid[] := array(select distinct a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.refuse_other_users(owners);
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  -- Of a user who is limited it would be limited again.
  with wanted as (
    select a.id, a.held as held_before, l.desired is not distinct from 'limited' as is_limited,
      case when exists (
        select from quota.subscriptions s where s.user_id = a.user_id and s.limit_enforced_at is not null)
        then 'original' end as held
    from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
    where a.id = any (p_assistants)
  ), freed as (
    update quota.assistants a set held = w.held
    from wanted w
    where a.id = w.id and (w.is_limited or w.held_before is distinct from w.held)
    returning a.user_id, a.provider_assistant_id, w.held_before, a.held
  )
  insert into quota.audit_log (action, user_id, subject, reason, before, after)
  select 'assistant.limit_lifted', f.user_id, f.provider_assistant_id, p_reason,
    jsonb_build_object('held', f.held_before), jsonb_build_object('held', f.held)
  from freed f;
  perform quota.queue_changes(p_assistants, 'original');
end $$;
comment on function quota.restore_assistants(uuid[], text) is
  'Restores assistants by hand; where the user is limited, they are left alone until that limit ends.';
