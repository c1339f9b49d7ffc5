create or replace function quota.settle_admitted(told jsonb, p_service text) returns jsonb
language plpgsql
as $$
declare
  key text := quota.told_call(told);
  starts timestamptz := coalesce(quota.told_instant(told, 'startedAt'),
    quota.told_instant(told->'call', 'startedAt'));
  ends timestamptz := coalesce(quota.told_instant(told, 'endedAt'),
    quota.told_instant(told->'call', 'endedAt'));
  -- Of what never connected nothing was spoken.
  seconds numeric := round(coalesce(quota.told_number(told, 'durationSeconds'),
    quota.told_number(told, 'durationMs') / 1000, extract(epoch from ends - starts), 0), 3);
  cost numeric := coalesce(quota.told_number(told, 'cost'), quota.told_number(told->'call', 'cost'));
  ended_reason text := left(coalesce(told->>'endedReason', told#>>'{call,endedReason}'), 200);
  is_error boolean := coalesce(ended_reason ~ '(^|[.-])error([.-]|$)', false);
  assistant quota.assistants := quota.called_assistant(told);
  owner uuid;
  service text;
  owner_name text;
begin
  select l.user_id, l.service into owner, service
  from quota.call_logs l where l.provider = 'vapi' and l.provider_call_id = key;
  if not found then
    owner := assistant.user_id;
    service := p_service;
  end if;
  select u.external_id into owner_name from quota.users u where u.id = owner and u.erased_at is null;
  if owner_name is null then
    perform quota.refuse_other_users(null);
    -- A call that was refused is reported, too; nobody is to pay for it.
    if seconds = 0 and coalesce(cost, 0) = 0 then
      return '{}';
    end if;
    raise exception 'the assistant "%" of the call "%" is nobody''s',
      quota.shown(coalesce(told#>>'{call,assistantId}', told#>>'{assistant,id}')), key
      using errcode = 'QT001', hint = 'Register it with quota.add_assistant, and send the report again.';
  end if;
  perform quota.record(owner_name, service, key, seconds, 'vapi', p_cost => cost,
    p_started_at => coalesce(starts, ends), p_status => case when is_error then 'error' else 'completed' end,
    p_assistant_id => assistant.provider_assistant_id, p_error => case when is_error then ended_reason end);
  return '{}';
end $$;
comment on function quota.settle_admitted(jsonb, text) is
  'Records what the report of an ended call tells: completes the call that was let in, whenever it comes, or '
  'records one that was not. Twice is once. QT001: nobody''s assistant; QT003: figures that cannot be.';
