create or replace function quota.decide_in_full(
  p_user uuid, p_service text, p_model text, p_quantity numeric, p_file_bytes bigint, p_for text)
returns quota.check_result
language plpgsql stable
as $$
declare
  plan quota.plans;
  subscription quota.subscriptions;
  allowances quota.allowance[];
  worst quota.allowance;
  reason text := 'ok';
  action text;
  message text := 'Allowed.';
  state text;
  warnings text[] := '{}';
begin
  perform quota.refuse_other_user(p_user);
  if p_quantity < 0 or p_file_bytes < 0 then
    raise exception 'a quantity cannot be negative' using errcode = 'QT003';
  end if;
  if p_for not in ('usage', 'assistant') then
    raise exception 'a check is for "usage" or "assistant", not "%"', p_for using errcode = 'QT003';
  end if;
  select * into subscription from quota.subscriptions s where s.user_id = p_user and s.service = p_service;
  if found then
    select * into plan from quota.plans p where p.key = subscription.plan;
  else
    select * into plan from quota.plans p
    where p.service = p_service and case when p_user is null then p.anonymous else p.is_default end;
    if plan.key is null and not exists (select 1 from quota.meters m where m.service = p_service) then
      raise exception 'unknown service "%"', p_service using errcode = 'QT002';
    end if;
    if p_user is not null then
      select u.created_at at time zone coalesce(plan.timezone, u.timezone), coalesce(plan.timezone, u.timezone)
      into subscription.anchor_local, subscription.timezone
      from quota.users u where u.id = p_user;
      if not found then
        raise exception 'unknown user %', p_user using errcode = 'QT001';
      end if;
    end if;
  end if;

  select array_agg(a order by a.exhausted desc, a.remaining asc nulls last, a.meter) into allowances
  from quota.allowance_of(
    p_user, plan.key, subscription.anchor_local, subscription.timezone, p_model, quota.reserved_for(p_user, p_service)) a;
  worst := allowances[1];

  if plan.key is null then
    reason := case when p_user is null then 'sign_in_required' else 'no_plan' end;
  elsif p_for = 'assistant' then
    if (select count(*) from quota.assistants a where a.user_id = p_user and a.state = 'active') >= plan.max_assistants then
      reason := 'assistant_limit';
    end if;
  elsif plan.allowed_models is not null and p_model is not null and p_model <> all (plan.allowed_models) then
    reason := case when plan.anonymous then 'sign_in_required' else 'model_not_allowed' end;
  elsif p_file_bytes > plan.max_file_bytes then
    reason := 'file_too_large';
  elsif worst.by_cost then
    reason := 'cost_limit_exceeded';
  elsif worst.exhausted or worst.remaining = 0 then
    reason := 'quota_exceeded';
  elsif p_quantity > worst.remaining then
    reason := 'would_exceed';
  elsif plan.max_concurrent is not null then
    if (
      select count(*) from quota.concurrent_processing c
      where c.user_id = p_user and c.service = p_service and c.expires_at > quota.now()) >= plan.max_concurrent
    then
      reason := 'too_many_concurrent';
    end if;
  end if;

  if reason <> 'ok' then
    message := quota.refusal_message(reason, plan, worst);
    action := case
      when reason in ('quota_exceeded', 'cost_limit_exceeded', 'would_exceed') and worst.on_exceeded = 'static_fallback' then 'switch_to_static'
      when reason in ('quota_exceeded', 'cost_limit_exceeded') and worst.on_exceeded = 'limit_assistants' then 'limit_assistants'
      else 'block'
    end;
  end if;
  if worst.meter is not null then
    state := 'ok';
  end if;
  if worst.exhausted or worst.percent >= any (worst.warn_at) then
    state := quota.quota_state(worst.percent, worst.exhausted, worst.warn_at);
  end if;
  if exists (select from unnest(allowances) a where a.percent >= any (a.warn_at)) then
    warnings := array(
      select quota.alert_level(w, a.warn_at) || ': ' || w || '% of ' || a.meter || ' used'
      from unnest(allowances) with ordinality a cross join unnest(a.warn_at) w
      where w <= a.percent order by a.ordinality, w);
  end if;
  return (
    reason = 'ok', reason, action, message, p_service, plan.key, worst.meter, worst.used, worst.limit_quantity,
    worst.remaining, worst.percent, state, warnings, worst.resets_at,
    case when reason <> 'ok' then plan.upgrade_to end)::quota.check_result;
end $$;
comment on function quota.decide_in_full(uuid, text, text, numeric, bigint, text) is
  'The answer of quota.check in every case.';
