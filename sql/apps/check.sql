create type quota.check_result as (
  allowed boolean, reason text, action text, message text, service text, plan text, meter text, used numeric,
  "limit" numeric, remaining numeric, percent numeric, cost numeric, cost_limit numeric, state text,
  warnings text[], resets_at timestamptz, upgrade_to text, meters jsonb, features jsonb,
  runs_out_at timestamptz);

create or replace function quota.check(
  p_user text, p_service text, p_model text default null, p_quantity numeric default null,
  p_file_bytes bigint default null, p_for text default 'usage', p_session text default null,
  p_quantities jsonb default null)
returns quota.check_result
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  owner uuid;
  answer quota.check_result;
  at timestamptz := quota.now();
begin
  -- Nearly every check finds an open period with plenty left, on a plan with one meter, and nothing else to
  -- look at: one look tells. Making a statement ready costs more than what it does, a table a tenth of all.
  -- A model that the plan names in capitals is left to those who look at all.
  if p_file_bytes is null and p_for = 'usage' and p_quantities is null and quota.is_plain_caller() then
    select true, 'ok', null, 'Allowed.', s.service, s.plan, q.meter, q.used, q.limit_quantity,
      q.limit_quantity - q.used, round(100 * q.used / nullif(q.limit_quantity, 0), 2), q.cost, null, 'ok',
      '{}', nullif(q.period_end, 'infinity'), null, jsonb_build_array(quota.meter_left(q.meter, p.unit,
        q.used, q.limit_quantity, q.limit_quantity - q.used,
        round(100 * q.used / nullif(q.limit_quantity, 0), 2), q.cost, null, q.period_end)), p.features,
      quota.runs_out_at(q.used, q.adjusted, q.limit_quantity, q.cost, null, null, q.calls, q.period_start,
        q.period_end, at)
    into answer
    from quota.users u
    join quota.subscriptions s on s.user_id = u.id
    join quota.simple_plans p on p.plan = s.plan and (p_model <> all (p.allowed_models)) is not true
    join quota.usage_quotas q on q.user_id = s.user_id and q.meter = p.meter and quota.contains(q, at)
      and not q.superseded
    where u.external_id = p_user and s.service = p_service and q.exhausted_at is null and q.granted = 0
      and q.cost_limit is null
      and not exists (select from quota.concurrent_processing c where c.user_id = u.id)
      and not round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at || 100);
    if answer.allowed and (p_quantity is null or p_quantity between 0 and answer.remaining) then
      return answer;
    end if;
  end if;
  select u.id into owner from quota.users u where u.external_id = p_user;
  if p_user is null then
    perform quota.refuse_other_user(null);
  elsif owner is null or not quota.is_plain_caller() then
    owner := quota.user_or_newcomer(p_user);
  end if;
  return quota.decide(owner, p_service, p_model, p_quantity, p_file_bytes, p_for,
    case when p_session is not null then quota.leased_session(owner, p_service, p_session) end,
    p_quantities);
end $$;
comment on function quota.check(text, text, text, numeric, bigint, text, text, jsonb) is
  'Whether a user, named by external id or id, may use a service now. One whom nobody has told of is '
  'answered as a new one is, and is not made. p_quantity: what the call needs, in the unit of the service '
  '(seconds, messages, tokens ...); p_quantities: by unit or meter, like {"tokens": 900}. p_for = '
  '''assistant'': may create one more. A null user is somebody not signed in. action: block, '
  'switch_to_static or limit_assistants. p_session: the running session that asks, by its key; of what it '
  'has reserved only what it has used counts. meters: what is left of each meter of the plan; features: '
  'what else it includes; runs_out_at: when that meter is used up at its pace, if before its reset.';
