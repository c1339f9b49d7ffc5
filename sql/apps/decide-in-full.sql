create or replace function quota.decide_in_full(
  p_user uuid, p_service text, p_model text, p_quantity numeric, p_file_bytes bigint, p_for text,
  p_session bigint default null, p_quantities jsonb default null)
returns quota.check_result
language plpgsql stable
as $$
declare
  subscription quota.subscriptions;
  plan quota.plans;
  allowances quota.allowance[];
  needed numeric;
  meters jsonb;
  worst quota.allowance;
  reason text;
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
    raise exception 'a check is for "usage" or "assistant", not "%"', quota.shown(p_for)
      using errcode = 'QT003';
  end if;
  subscription := quota.subscription_or_default(p_user, p_service);
  select * into plan from quota.plans p where p.key = subscription.plan;
  select r.allowances, r.needed, r.meters into allowances, needed, meters
  from quota.ranked_allowances(p_user, subscription, p_service, p_model, p_quantity, p_quantities,
    p_session) r;
  worst := allowances[1];

  reason := quota.refusal_reason(plan, worst, p_user, p_service, p_model, needed, p_file_bytes, p_for,
    p_session);
  if not quota.is_known_zone(coalesce(subscription.timezone, 'UTC')) and not coalesce(worst.is_open,
    false) then
    reason := 'unknown_time_zone';
  end if;
  if reason <> 'ok' then
    message := quota.refusal_message(reason, plan, worst, worst.models is not null and not exists (
      select from unnest(allowances) a where a.exhausted and a.meter <> worst.meter));
    action := case
      when reason in ('quota_exceeded', 'cost_limit_exceeded', 'would_exceed')
        and worst.on_exceeded = 'static_fallback' then 'switch_to_static'
      when reason in ('quota_exceeded', 'cost_limit_exceeded')
        and worst.on_exceeded = 'limit_assistants' then 'limit_assistants'
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
      select quota.alert_level(w, a.warn_at) || ': ' || w || '% of ' || quota.meter_label(a.meter, a.unit)
          || ' used'
      from unnest(allowances) with ordinality a cross join unnest(a.warn_at) w
      where w <= a.percent order by a.ordinality, w);
  end if;
  return (
    reason = 'ok', reason, action, message, p_service, plan.key, worst.meter, worst.used,
    worst.limit_quantity,
    worst.remaining, worst.percent, worst.cost, worst.cost_limit, state, warnings, worst.resets_at,
    case when reason <> 'ok' then plan.upgrade_to end, coalesce(meters, '[]'),
    coalesce(plan.features, '{}'), worst.runs_out_at)::quota.check_result;
end $$;
comment on function quota.decide_in_full(uuid, text, text, numeric, bigint, text, bigint, jsonb) is
  'The answer of quota.check in every case.';
