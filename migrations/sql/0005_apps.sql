-- What the products call, from any language, in one round trip: may this user do that, this was used, a session
-- begins and ends. They raise QT001 (unknown user), QT002 (unknown service), QT003 (a value that cannot be) and
-- QT004 (a time that cannot be) and QT006 (another user's connection), with messages that an app can show.

create table quota.role_bindings (
  role_name name primary key,
  user_id uuid not null references quota.users
);
comment on table quota.role_bindings is 'Login roles that speak for one user: they see and ask about that user only.';

create function quota.bound_user() returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select b.user_id from quota.role_bindings b where b.role_name = session_user $$;
comment on function quota.bound_user() is 'The user that the session''s login role is bound to; null: not bound.';

create function quota.refuse_other_user(p_user uuid) returns boolean
language plpgsql stable
as $$
declare
  bound uuid := quota.bound_user();
begin
  if bound is not null and p_user is distinct from bound then
    raise exception 'this connection speaks for another user' using errcode = 'QT006';
  end if;
  return true;
end $$;
comment on function quota.refuse_other_user(uuid) is 'True; raises QT006 when the login role is bound to a user, and not to this one.';

create function quota.resolve_user(p_user text) returns uuid
language plpgsql stable
as $$
declare
  found_id uuid;
begin
  select u.id into found_id from quota.users u where u.external_id = p_user;
  if found_id is null and p_user ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
    select u.id into found_id from quota.users u where u.id = p_user::uuid;
  end if;
  if found_id is null then
    raise exception 'unknown user "%"', p_user using errcode = 'QT001', hint = 'Give the id or the external id of a user.';
  end if;
  perform quota.refuse_other_user(found_id);
  return found_id;
end $$;
comment on function quota.resolve_user(text) is 'The id of a user named by external id or id; raises QT001.';

create function quota.reserved_for(p_user uuid, p_service text) returns numeric
language sql stable
as $$
  select coalesce(sum(c.reserved), 0) from quota.concurrent_processing c
  where c.user_id = p_user and c.service = p_service and c.expires_at > quota.now()
$$;
comment on function quota.reserved_for(uuid, text) is 'What running sessions may still use, in the unit of the service.';

create function quota.remaining_of(
  allowance numeric, used numeric, cost_limit numeric, cost numeric, unit text, unit_price numeric, reserved numeric)
returns numeric
language sql immutable parallel safe
as $$
  -- Null where nothing limits: "greatest" alone would make nothing left of it.
  select case when l.quantity is not null then greatest(l.quantity - reserved, 0) end
  from (select least(
    allowance - used,
    case when unit_price > 0 then trunc((cost_limit - cost) * case unit when 'second' then 60 else 1 end / unit_price, 3) end
  ) as quantity) l
$$;
comment on function quota.remaining_of(numeric, numeric, numeric, numeric, text, numeric, numeric) is
  'What may still be used, by the allowance or for the money that is left at the price, whichever is less, beside what running sessions have reserved; null: no limit.';

create type quota.allowance as (
  meter text, unit text, used numeric, limit_quantity numeric, remaining numeric, percent numeric, exhausted boolean,
  by_cost boolean, on_exceeded text, resets_at timestamptz, warn_at integer[]);

create function quota.allowance_of(p_user uuid, p_plan text, p_anchor timestamp, p_timezone text, p_model text, p_reserved numeric)
returns setof quota.allowance
language sql stable
as $$
  select a.meter, a.unit, a.used, a.limit_quantity,
    quota.remaining_of(
      a.limit_quantity + a.granted, a.used, a.cost_limit, a.cost, a.unit, a.unit_price, p_reserved),
    quota.percent_used(a.used, a.limit_quantity + a.granted, a.cost, a.cost_limit),
    coalesce(a.used >= a.limit_quantity + a.granted, false) or coalesce(a.cost >= a.cost_limit, false),
    coalesce(a.cost >= a.cost_limit, false), a.on_exceeded, nullif(a.period_end, 'infinity'), a.warn_at
  from (
    select l.meter, m.unit, t.*, coalesce(q.used, 0) as used, coalesce(q.cost, 0) as cost,
      coalesce(q.warn_at, l.warn_at) as warn_at, coalesce(q.on_exceeded, l.on_exceeded) as on_exceeded,
      coalesce(q.period_end, upper(quota.period_at(
        quota.limit_anchor(l.reset_anchor, l.boundary, p_anchor), l.reset_every, p_timezone, quota.now()))) as period_end
    from quota.plan_limits l
    join quota.meters m on m.key = l.meter and (m.models is null or p_model = any (m.models))
    left join quota.usage_quotas q on q.user_id = p_user and q.meter = l.meter
      and q.period_start <= quota.now() and q.period_end > quota.now() and not q.superseded
    -- Custom limits need a look only where no period is open: open ones have them.
    cross join lateral (select
      case when q.user_id is not null then q.limit_quantity else coalesce((
        select o.limit_quantity from quota.limit_overrides o
        where o.user_id = p_user and o.plan = l.plan and o.meter = l.meter), l.limit_quantity) end as limit_quantity,
      case when q.user_id is not null then q.cost_limit else coalesce((
        select o.cost_limit from quota.limit_overrides o
        where o.user_id = p_user and o.plan = l.plan and o.meter = l.meter), l.cost_limit) end as cost_limit,
      case when q.user_id is null then l.unit_price else q.unit_price end as unit_price,
      -- Stored grants are right until one expires.
      case
        when q.user_id is null then quota.granted_now(p_user, l.meter, quota.now(), 0, l.limit_quantity)
        when q.granted > 0 then quota.granted_now(p_user, l.meter, q.period_start, q.used, q.limit_quantity)
        else 0
      end as granted) t
    where l.plan = p_plan
    offset 0 -- What is worked out here is used many times above.
  ) a
$$;
comment on function quota.allowance_of(uuid, text, timestamp, text, text, numeric) is
  'What is left of each meter that a call of this model would count on, in the running period, less what is reserved.';

create type quota.check_result as (
  allowed boolean, reason text, action text, message text, service text, plan text, meter text, used numeric,
  "limit" numeric, remaining numeric, percent numeric, state text, warnings text[], resets_at timestamptz, upgrade_to text);

create function quota.refusal_message(reason text, plan quota.plans, worst quota.allowance) returns text
language sql stable
as $$
  select case reason
    when 'quota_exceeded' then 'The allowance of the plan "' || plan.name || '" is used up'
    when 'cost_limit_exceeded' then 'The cost limit of the plan "' || plan.name || '" is reached'
    when 'would_exceed' then 'This needs more than the ' || trim_scale(worst.remaining) || ' ' || worst.unit || 's that are left of the plan "' || plan.name || '"'
    when 'file_too_large' then 'The file is larger than the ' || pg_size_pretty(plan.max_file_bytes) || ' of the plan "' || plan.name || '"'
    when 'too_many_concurrent' then 'The plan "' || plan.name || '" runs ' || plan.max_concurrent || ' at a time; wait for one to end'
    when 'model_not_allowed' then 'The plan "' || plan.name || '" does not include this model'
    when 'sign_in_required' then case when plan.key is null then 'Sign in to use this' else 'Sign in to use this model' end
    when 'assistant_limit' then 'The plan "' || plan.name || '" includes ' || plan.max_assistants || ' assistants'
    when 'no_plan' then 'There is no plan for this service'
  end
  || case
    when reason in ('quota_exceeded', 'cost_limit_exceeded', 'would_exceed') and worst.resets_at is not null
      then ' until ' || to_char(worst.resets_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
    else '' end
  || case when reason <> 'ok' and plan.upgrade_to is not null
      then '. Upgrade to ' || coalesce((select p.name from quota.plans p where p.key = plan.upgrade_to), plan.upgrade_to) || ' for more.'
    else '.' end
$$;
comment on function quota.refusal_message(text, quota.plans, quota.allowance) is 'A sentence for the user of the app, with the way out.';

create function quota.decide_in_full(
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

create function quota.decide(
  p_user uuid, p_service text, p_model text default null, p_quantity numeric default null, p_file_bytes bigint default null,
  p_for text default 'usage')
returns quota.check_result
language plpgsql stable
as $$
declare
  at timestamptz := quota.now();
  worst record;
begin
  -- Nearly every check finds an open period with plenty left and nothing else to look at. Told apart in one look, it
  -- costs a sixth: no expression is made ready for a transaction that does not need it.
  if p_file_bytes is null and p_for = 'usage' then
    select s.plan, q.meter, q.used, q.limit_quantity, q.limit_quantity - q.used as remaining,
      round(100 * q.used / nullif(q.limit_quantity, 0), 2) as percent, q.period_end,
      q.user_id is null or q.exhausted_at is not null or q.granted <> 0 or q.cost_limit is not null
        or coalesce(round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at), false)
        or coalesce(p.max_concurrent = 0 or p_model <> all (p.allowed_models), false) as is_special
    into worst
    from quota.subscriptions s
    join quota.plans p on p.key = s.plan
    join quota.meters m on m.service = s.service and (m.models is null or p_model = any (m.models))
    left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
      and q.period_start <= at and q.period_end > at and not q.superseded
    where s.user_id = p_user and s.service = p_service
      and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
      and not exists (select from quota.role_bindings b where b.role_name = session_user)
    order by is_special desc, remaining, q.meter
    limit 1;
    if not worst.is_special and worst.percent < 100
      and (p_quantity is null or p_quantity between 0 and worst.remaining)
    then
      return (
        true, 'ok', null, 'Allowed.', p_service, worst.plan, worst.meter, worst.used, worst.limit_quantity, worst.remaining,
        worst.percent, 'ok', '{}', nullif(worst.period_end, 'infinity'), null)::quota.check_result;
    end if;
  end if;
  return quota.decide_in_full(p_user, p_service, p_model, p_quantity, p_file_bytes, p_for);
end $$;
comment on function quota.decide(uuid, text, text, numeric, bigint, text) is
  'The answer of quota.check, for the functions of the apps: it runs with the rights and the search path of its caller.';

create function quota.check(
  p_user uuid, p_service text, p_model text default null, p_quantity numeric default null, p_file_bytes bigint default null,
  p_for text default 'usage')
returns quota.check_result
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return quota.decide(p_user, p_service, p_model, p_quantity, p_file_bytes, p_for);
end $$;
comment on function quota.check(uuid, text, text, numeric, bigint, text) is
  'Whether a user may use a service now. p_quantity: what the call needs (seconds or messages); p_for = ''assistant'': may create one more. A null user is somebody not signed in. action: block, switch_to_static or limit_assistants.';

create function quota.check(
  p_user text, p_service text, p_model text default null, p_quantity numeric default null, p_file_bytes bigint default null,
  p_for text default 'usage')
returns quota.check_result
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid;
begin
  select u.id into owner from quota.users u where u.external_id = p_user;
  if owner is null and p_user is not null then
    owner := quota.resolve_user(p_user);
  end if;
  return quota.decide(owner, p_service, p_model, p_quantity, p_file_bytes, p_for);
end $$;
comment on function quota.check(text, text, text, numeric, bigint, text) is 'The same, for a user named by external id or id.';

create function quota.refuse_impossible(p_quantity numeric, p_cost numeric, p_at timestamptz) returns void
language plpgsql stable
as $$
begin
  if p_quantity < 0 or p_cost < 0 then
    raise exception 'a quantity or cost cannot be negative: %', least(p_quantity, p_cost) using errcode = 'QT003';
  end if;
  if p_at > quota.now() + interval '5 minutes' then
    raise exception 'usage cannot lie in the future: %', p_at
      using errcode = 'QT004', hint = 'Up to 5 minutes of clock difference are accepted.';
  end if;
end $$;
comment on function quota.refuse_impossible(numeric, numeric, timestamptz) is 'Raises QT003 on negative values, QT004 on future times.';

create function quota.refuse_taken_key(p_key text) returns void
language plpgsql
as $$
begin
  raise exception 'the key "%" belongs to another call', p_key
    using errcode = 'QT003', hint = 'A key names one call of one user and service, and is used once: what is new needs a key of its own.';
end $$;
comment on function quota.refuse_taken_key(text) is
  'Raises QT003: to take usage under a key of somebody else, or of a session that has ended, for a repetition would lose it.';

create type quota.record_result as (
  recorded boolean, call_log_id bigint, used numeric, "limit" numeric, remaining numeric, state text, action text);

create function quota.record(
  p_user text, p_service text, p_key text, p_quantity numeric, p_provider text default null, p_model text default null,
  p_cost numeric default null, p_started_at timestamptz default null, p_status text default 'completed',
  p_assistant_id text default null, p_file_bytes bigint default null, p_words integer default null,
  p_error text default null, p_metadata jsonb default null)
returns quota.record_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  answer quota.check_result;
  owner uuid;
  is_bound boolean;
  in_seconds boolean;
  starts timestamptz;
  ends timestamptz;
  recorded_id bigint;
  is_new boolean;
begin
  -- One look for all three: each statement has its price, and apps record all day.
  select u.id, exists (select from quota.role_bindings b where b.role_name = session_user),
    (select bool_or(m.unit = 'second') from quota.meters m where m.service = p_service)
  into owner, is_bound, in_seconds
  from (select) always left join quota.users u on u.external_id = p_user;
  if owner is null or is_bound then
    owner := quota.resolve_user(p_user);
  end if;
  if in_seconds is null then
    raise exception 'unknown service "%"', p_service using errcode = 'QT002';
  end if;
  if p_quantity < 0 or p_cost < 0 or p_started_at is not null then
    perform quota.refuse_impossible(p_quantity, p_cost, p_started_at);
  end if;
  if not in_seconds and (p_quantity <> trunc(p_quantity) or p_quantity > 2147483647) then
    raise exception 'messages are counted one by one: % is no number of them', p_quantity using errcode = 'QT003';
  elsif in_seconds and p_quantity > 604800 then
    raise exception 'a call of % seconds is longer than the 7 days that one call may last', p_quantity using errcode = 'QT003';
  end if;
  ends := coalesce(p_started_at, quota.now());
  starts := ends;
  if in_seconds then
    if p_started_at is null then
      starts := ends - make_interval(secs => greatest(p_quantity, 0)::float8);
    else
      ends := starts + make_interval(secs => p_quantity::float8);
    end if;
  end if;
  insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
    duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, metadata)
  values (owner, p_service, coalesce(p_provider, p_service), p_key, p_assistant_id, p_model, p_status, starts, ends,
    case when in_seconds then p_quantity else 0 end, case when not in_seconds then p_quantity::integer end, p_words, p_file_bytes, p_cost,
    p_error, p_metadata)
  on conflict (provider, provider_call_id) where provider_call_id is not null do nothing
  returning id into recorded_id;
  is_new := found;
  if not is_new then
    select l.id into recorded_id from quota.call_logs l
    where l.provider = coalesce(p_provider, p_service) and l.provider_call_id = p_key
      and l.user_id = owner and l.service = p_service;
    if not found then
      perform quota.refuse_taken_key(p_key);
    end if;
  end if;
  answer := quota.decide(owner, p_service, p_model);
  return (is_new, recorded_id, answer.used, answer."limit", answer.remaining, answer.state, answer.action)::quota.record_result;
end $$;
comment on function quota.record(text, text, text, numeric, text, text, numeric, timestamptz, text, text, bigint, integer, text, jsonb) is
  'Records usage once per (provider, key): seconds or messages. recorded = false: it was there already. Returns what is left.';

create type quota.session_result as (
  allowed boolean, reason text, action text, message text, session_id bigint, cap_seconds numeric, expires_at timestamptz,
  remaining numeric, resets_at timestamptz, upgrade_to text);

create function quota.start_session(
  p_user text, p_service text, p_key text, p_provider text default null, p_assistant_id text default null,
  p_model text default null, p_estimate numeric default null, p_file_bytes bigint default null,
  p_grace interval default '5 minutes', p_metadata jsonb default null)
returns quota.session_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid := quota.resolve_user(p_user);
  answer quota.check_result;
  result quota.session_result;
begin
  if p_estimate < 0 then
    raise exception 'a quantity cannot be negative: %', p_estimate using errcode = 'QT003';
  end if;
  perform quota.lock_allowance(owner, p_service);
  -- A repeated start is answered with the session it started.
  select c.call_log_id, c.reserved, c.expires_at into result.session_id, result.cap_seconds, result.expires_at
  from quota.call_logs l join quota.concurrent_processing c on c.user_id = l.user_id and c.call_log_id = l.id
  where l.provider = coalesce(p_provider, p_service) and l.provider_call_id = p_key and l.user_id = owner;
  if found then
    result.allowed := true;
    result.reason := 'ok';
    result.message := 'Allowed.';
    return result;
  end if;

  if exists (
    select from quota.call_logs l where l.provider = coalesce(p_provider, p_service) and l.provider_call_id = p_key)
  then
    perform quota.refuse_taken_key(p_key);
  end if;
  answer := quota.decide(owner, p_service, p_model, p_estimate, p_file_bytes);
  result.allowed := answer.allowed;
  result.reason := answer.reason;
  result.action := answer.action;
  result.message := answer.message;
  result.remaining := answer.remaining;
  result.resets_at := answer.resets_at;
  result.upgrade_to := answer.upgrade_to;
  if not answer.allowed then
    return result;
  end if;
  select least(coalesce(p_estimate, answer.remaining), answer.remaining, p.max_session_seconds) into result.cap_seconds
  from quota.plans p where p.key = answer.plan;
  result.expires_at := quota.now() + make_interval(secs => coalesce(result.cap_seconds, 86400)::float8) + p_grace;
  insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at,
    file_size_bytes, metadata)
  values (owner, p_service, coalesce(p_provider, p_service), p_key, p_assistant_id, p_model, 'active', quota.now(), p_file_bytes, p_metadata)
  returning id into result.session_id;
  insert into quota.concurrent_processing (user_id, service, call_log_id, reserved, expires_at)
  values (owner, p_service, result.session_id, coalesce(result.cap_seconds, 0), result.expires_at);
  return result;
end $$;
comment on function quota.start_session(text, text, text, text, text, text, numeric, bigint, interval, jsonb) is
  'Reserves what a session may use (its estimate, what is left or the limit per session, whichever is least) and opens its call log. The app ends it after cap_seconds at the latest.';

create function quota.end_session(
  p_session bigint, p_duration_seconds numeric default null, p_cost numeric default null, p_words integer default null,
  p_messages integer default null, p_status text default 'completed', p_error text default null)
returns quota.record_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  session quota.call_logs;
  answer quota.check_result;
  result quota.record_result;
begin
  perform quota.refuse_impossible(p_duration_seconds, p_cost, null);
  -- As an update does: the call first, then its subscription.
  select * into session from quota.call_logs l where l.id = p_session for no key update;
  if not found then
    raise exception 'unknown session %', p_session using errcode = 'QT003';
  end if;
  perform quota.refuse_other_user(session.user_id);
  perform quota.lock_allowance(session.user_id, session.service);
  update quota.call_logs l
  set status = p_status,
    duration_seconds = coalesce(p_duration_seconds, round(extract(epoch from greatest(quota.now(), l.started_at) - l.started_at), 3)),
    ended_at = case when p_duration_seconds is null then greatest(quota.now(), l.started_at)
      else l.started_at + make_interval(secs => p_duration_seconds::float8) end,
    cost = coalesce(p_cost, l.cost), words_spoken = coalesce(p_words, l.words_spoken), messages = coalesce(p_messages, l.messages),
    error_message = coalesce(p_error, l.error_message)
  where l.id = p_session and l.status = 'active';
  result.recorded := found;
  delete from quota.concurrent_processing c where c.user_id = session.user_id and c.call_log_id = p_session;
  answer := quota.decide(session.user_id, session.service, session.model);
  result.call_log_id := p_session;
  result.used := answer.used;
  result."limit" := answer."limit";
  result.remaining := answer.remaining;
  result.state := answer.state;
  result.action := answer.action;
  return result;
end $$;
comment on function quota.end_session(bigint, numeric, numeric, integer, integer, text, text) is
  'Settles a session: its duration (default: since its start), cost and words; frees what was reserved. recorded = false: it had ended already. action = switch_to_static: nothing is left.';

create function quota.get_user_plan_limits(p_user uuid)
returns table (
  service text, plan text, plan_name text, meter text, unit text, limit_quantity numeric, cost_limit numeric, unit_price numeric,
  reset_every interval, used numeric, remaining numeric, resets_at timestamptz, max_assistants integer, max_file_bytes bigint,
  max_concurrent integer, max_session_seconds numeric, allowed_models text[], upgrade_to text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select c.service, p.key, p.name, c.meter, c.unit, c.limit_quantity, c.cost_limit, c.unit_price, l.reset_every, c.used,
    quota.remaining_of(
      c.limit_quantity + c.granted, c.used, c.cost_limit, c.cost, c.unit, c.unit_price,
      quota.reserved_for(c.user_id, c.service)),
    nullif(c.period_end, 'infinity'),
    p.max_assistants, p.max_file_bytes, p.max_concurrent, p.max_session_seconds, p.allowed_models, p.upgrade_to
  from quota.current_quotas(p_user) c
  join quota.plans p on p.key = c.plan
  join quota.plan_limits l on l.plan = c.plan and l.meter = c.meter
  where quota.refuse_other_user(p_user)
  order by c.service, c.meter
$$;
comment on function quota.get_user_plan_limits(uuid) is 'The limits of a user''s plans with what is left of each.';

create function quota.check_concurrent_processing_limit(p_user uuid, p_service text default null)
returns table (service text, can_process boolean, active integer, max_concurrent integer)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select s.service, p.max_concurrent is null or count(c.id) < p.max_concurrent, count(c.id)::integer, p.max_concurrent
  from quota.subscriptions s
  join quota.plans p on p.key = s.plan
  left join quota.concurrent_processing c on c.user_id = s.user_id and c.service = s.service and c.expires_at > quota.now()
  where s.user_id = p_user and (p_service is null or s.service = p_service) and quota.refuse_other_user(p_user)
  group by s.service, p.max_concurrent
  order by s.service
$$;
comment on function quota.check_concurrent_processing_limit(uuid, text) is 'Whether one more job may run, per service; null: no limit.';

create function quota.calculate_usage_stats(p_user uuid, p_months_back integer default 6)
returns table (month date, service text, calls integer, errors integer, seconds numeric, messages bigint, cost numeric, average_seconds numeric)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select date_trunc('month', l.started_at at time zone 'UTC')::date, l.service, count(*)::integer,
    count(*) filter (where l.status = 'error')::integer, coalesce(sum(l.duration_seconds), 0), coalesce(sum(l.messages), 0),
    coalesce(sum(l.cost), 0), round(avg(l.duration_seconds), 3)
  from quota.call_logs l
  where l.user_id = p_user and quota.refuse_other_user(p_user)
    and l.started_at >= (date_trunc('month', quota.now() at time zone 'UTC') - make_interval(months => p_months_back)) at time zone 'UTC'
  group by 1, 2
  order by 1 desc, 2
$$;
comment on function quota.calculate_usage_stats(uuid, integer) is
  'Calls, errors, seconds, messages and cost per calendar month (UTC) and service, this month and so many before it.';
