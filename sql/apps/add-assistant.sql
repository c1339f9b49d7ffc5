create or replace function quota.add_assistant(
  p_user text, p_assistant_id text, p_name text default null, p_service text default 'voice',
  p_gated boolean default null, p_numbers text[] default null,
  out allowed boolean, out reason text, out message text, out added boolean, out assistants integer,
  out max_assistants integer, out upgrade_to text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid := quota.user_or_new(p_user);
  known quota.assistants;
  answer quota.check_result;
begin
  perform quota.refuse_unfit_name(p_assistant_id, 'the id of an assistant');
  if p_name is not null then
    perform quota.refuse_unfit_name(p_name, 'the name of an assistant');
  end if;
  perform quota.refuse_unfit_numbers(p_numbers, p_assistant_id);
  -- Of two at once the second waits here, and counts the first.
  perform quota.lock_subscriptions(array[owner], array[p_service]);
  select * into known from quota.assistants a
  where a.provider_assistant_id = p_assistant_id for no key update;
  if known.user_id <> owner then
    raise exception 'the assistant "%" is another user''s', quota.shown(p_assistant_id)
      using errcode = 'QT003';
  end if;
  added := known.state is distinct from 'active';
  if added then
    answer := quota.decide(owner, p_service, p_for => 'assistant');
    if not answer.allowed then
      perform quota.note_refusal(p_service, answer.plan, answer.reason);
    end if;
  end if;
  allowed := coalesce(answer.allowed, true);
  reason := coalesce(answer.reason, 'ok');
  message := coalesce(answer.message, 'Allowed.');
  upgrade_to := answer.upgrade_to;
  added := added and allowed;
  if known.id is null and added then
    insert into quota.assistants (user_id, provider_assistant_id, name, is_gated, numbers)
    values (owner, p_assistant_id, p_name, coalesce(p_gated, false), coalesce(p_numbers, '{}'));
  elsif added then
    update quota.assistants a set state = 'active', name = coalesce(p_name, a.name) where a.id = known.id;
    perform quota.revive_assistants(array[known.id], null);
  end if;
  update quota.assistants a
  set is_gated = coalesce(p_gated, a.is_gated), numbers = coalesce(p_numbers, a.numbers)
  where a.id = known.id and allowed
    and (coalesce(p_gated, a.is_gated), coalesce(p_numbers, a.numbers))
      is distinct from (a.is_gated, a.numbers);
  select count(a.id), max(p.max_assistants) into assistants, max_assistants
  from quota.subscriptions s
  join quota.plans p on p.key = s.plan
  left join quota.assistants a on a.user_id = s.user_id and a.state = 'active'
  where s.user_id = owner and s.service = p_service;
end $$;
comment on function quota.add_assistant(text, text, text, text, boolean, text[]) is
  'Registers an assistant of a user, if the plan includes one more: counted and added in one go, however '
  'many ask at once. allowed false, with reason and message: nothing is added. added false and allowed: it '
  'was there. p_gated: its calls are let in by quota.gate, and it is never limited at the provider; '
  'p_numbers: those that it answers, by the provider''s ids or as they are dialled. Null leaves them.';
