-- R3, enforcement in the database: every change of call_logs reaches the quotas, alerts, exhaustion and the
-- provider queue in the same transaction, one set operation per statement.
--
-- Who changes anything of a (user, service) holds its subscription first: writers of usage, resets, changes of plan,
-- all of them "for no key update", by user and service, in one go. What follows (quotas, alerts, marks) is then theirs
-- alone, in any order. Only assistants are shared by the services of a user: they are locked last, by id, in one go.
-- New subscriptions come before that, also by user and service. So nobody waits in a circle. A weaker lock here would
-- have to be raised when a limit is reached, and two writers that both wait to raise theirs are a deadlock.

create type quota.usage_delta as (
  user_id uuid, meter text, period_start timestamptz, used numeric, adjusted numeric, cost numeric, calls integer);

create function quota.quantity_of(unit text, status text, duration_seconds numeric, messages integer) returns numeric
language sql immutable parallel safe
as $$
  -- A failed message was not delivered and does not count; seconds of a failed call were spent all the same.
  select case
    when unit = 'second' then coalesce(duration_seconds, 0)
    when status = 'error' then 0
    else coalesce(messages, 1)
  end
$$;
comment on function quota.quantity_of(text, text, numeric, integer) is 'What a call log counts on a meter of this unit.';

create function quota.cost_of(cost numeric, unit text, quantity numeric, unit_price numeric) returns numeric
language sql immutable parallel safe
as $$ select coalesce(cost, round(quantity * unit_price / case unit when 'second' then 60 else 1 end, 6), 0) $$;
comment on function quota.cost_of(numeric, text, numeric, numeric) is
  'What a call log cost: as logged, else estimated by the price per minute or message.';

create function quota.call_logs_before_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if new.user_id is null then
    select a.user_id into new.user_id from quota.assistants a where a.provider_assistant_id = new.assistant_id;
    if new.user_id is null then
      raise exception 'a call log needs a user_id or a known assistant_id, not assistant "%"', new.assistant_id
        using errcode = 'QT001', hint = 'Import the assistant first, or give the user_id.';
    end if;
  end if;
  if new.duration_seconds is null and new.ended_at is not null then
    new.duration_seconds := round(extract(epoch from new.ended_at - new.started_at), 3);
  end if;
  return new;
end $$;

create trigger call_logs_before_insert before insert on quota.call_logs
  for each row when (new.user_id is null or (new.duration_seconds is null and new.ended_at is not null))
  execute function quota.call_logs_before_write();
create trigger call_logs_before_update before update on quota.call_logs
  for each row when (new.user_id is null or (new.duration_seconds is null and new.ended_at is not null))
  execute function quota.call_logs_before_write();

create function quota.subscribe_to_defaults(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  unknown record;
begin
  select p.user_id, p.service, u.id is null as no_user into unknown
  from unnest(users, services) p(user_id, service)
  left join quota.users u on u.id = p.user_id
  where u.id is null or not exists (select 1 from quota.meters m where m.service = p.service)
  limit 1;
  if unknown.no_user then
    raise exception 'unknown user %', unknown.user_id using errcode = 'QT001', hint = 'Add the user to quota.users first.';
  elsif found then
    raise exception 'unknown service "%"', unknown.service
      using errcode = 'QT002', hint = 'A service is known by its meters: see quota.meters.';
  end if;
  insert into quota.subscriptions (user_id, service, plan)
  select p.user_id, p.service, d.key
  from unnest(users, services) p(user_id, service)
  join quota.plans d on d.service = p.service and d.is_default
  order by p.user_id, p.service
  on conflict do nothing;
end $$;
comment on function quota.subscribe_to_defaults(uuid[], text[]) is
  'Puts (user, service) pairs on the default plan of the service, where they have none. Raises QT001 (user) and QT002 (service) on unknown names.';

create function quota.lock_subscriptions(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  missing_users uuid[];
  missing_services text[];
begin
  select array_agg(p.user_id), array_agg(p.service) into missing_users, missing_services
  from unnest(users, services) p(user_id, service)
  where not exists (select 1 from quota.subscriptions s where s.user_id = p.user_id and s.service = p.service);
  if missing_users is not null then
    perform set_config('quota.counting', 'on', true);
    perform quota.subscribe_to_defaults(missing_users, missing_services);
    perform set_config('quota.counting', '', true);
  end if;
  perform 1 from quota.subscriptions s
  where (s.user_id, s.service) in (select * from unnest(users, services))
  order by s.user_id, s.service for no key update;
  if missing_users is not null then
    perform quota.refresh_quotas(missing_users, missing_services, false);
  end if;
end $$;
comment on function quota.lock_subscriptions(uuid[], text[]) is
  'Locks the subscriptions of (user, service) pairs until the transaction ends; puts those that have none on the default plan. Once per transaction, before anything else.';

create function quota.queue_assistants(users uuid[], wanted text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  queued integer;
begin
  if wanted = 'limited' then
    insert into quota.assistant_limits as l (assistant_id, user_id, desired, status, next_attempt_at)
    select a.id, a.user_id, 'limited', 'pending', quota.now()
    from quota.assistants a
    where a.user_id = any (users) and a.state = 'active'
    order by a.id
    on conflict (assistant_id) do update
    set desired = 'limited', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.desired <> 'limited' and l.status <> 'gone';
  else
    perform 1 from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'limited' and l.status <> 'gone'
    order by l.assistant_id for no key update;
    -- A user limited for another service stays limited.
    update quota.assistant_limits l
    set desired = 'original', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.user_id = any (users) and l.desired = 'limited' and l.status <> 'gone'
      and not exists (
        select 1 from quota.subscriptions s where s.user_id = l.user_id and s.limit_enforced_at is not null);
  end if;
  get diagnostics queued = row_count;
  return queued;
end $$;
comment on function quota.queue_assistants(uuid[], text) is
  'Queues the assistants of users to become limited or original again; returns how many were queued.';

create function quota.mark_limited(users uuid[], services text[], limited boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from quota.subscriptions s
  where (s.user_id, s.service) in (select * from unnest(users, services))
  order by s.user_id, s.service for no key update;
  update quota.subscriptions s
  set limit_enforced_at = case when limited then quota.now() end
  where (s.user_id, s.service) in (select * from unnest(users, services))
    and (s.limit_enforced_at is null) = limited;
  perform quota.queue_assistants(users, case when limited then 'limited' else 'original' end);
end $$;
comment on function quota.mark_limited(uuid[], text[], boolean) is
  'Sets or clears limit_enforced_at of (user, service) pairs and queues their assistants accordingly.';

create function quota.enforce(quotas quota.usage_quotas[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limited_users uuid[];
  limited_services text[];
  freed_users uuid[];
  freed_services text[];
begin
  insert into quota.usage_alerts (user_id, meter, period_start, threshold, level, percent, crossed_at)
  select q.user_id, q.meter, q.period_start, t.threshold, quota.alert_level(t.threshold, q.warn_at), p.percent, quota.now()
  from unnest(quotas) q
  cross join lateral quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) p(percent)
  cross join lateral (select distinct w from unnest(q.warn_at) w) t(threshold)
  where p.percent >= t.threshold
  order by q.user_id, q.meter, q.period_start, t.threshold
  on conflict do nothing;

  update quota.usage_quotas q
  set exhausted_at = case when c.exhausted_at is null then quota.now() end
  from unnest(quotas) c
  where q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
    and quota.is_exhausted(c.used, c.limit_quantity + c.granted, c.cost, c.cost_limit) = (c.exhausted_at is null);

  select array_agg(q.user_id), array_agg(m.service) into limited_users, limited_services
  from unnest(quotas) q join quota.meters m on m.key = q.meter
  where q.on_exceeded = 'limit_assistants' and q.exhausted_at is null
    and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit);
  select array_agg(q.user_id), array_agg(m.service) into freed_users, freed_services
  from unnest(quotas) q join quota.meters m on m.key = q.meter
  where q.on_exceeded = 'limit_assistants' and q.exhausted_at is not null
    and not quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
    and not exists (
      select 1 from quota.usage_quotas o join quota.meters om on om.key = o.meter
      where o.user_id = q.user_id and om.service = m.service and o.on_exceeded = 'limit_assistants'
        and o.closed_at is null and o.exhausted_at is not null
        and o.period_start <= quota.now() and o.period_end > quota.now());
  if limited_users is not null and freed_users is not null then
    perform 1 from quota.assistant_limits l
    where l.user_id = any (limited_users || freed_users) order by l.assistant_id for no key update;
  end if;
  if limited_users is not null then
    perform quota.mark_limited(limited_users, limited_services, true);
  end if;
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $$;
comment on function quota.enforce(quota.usage_quotas[]) is
  'Raises alerts, marks and unmarks exhaustion and queues provider limits for quotas of the running period, given as they stand.';

create function quota.needs_enforcement(q quota.usage_quotas) returns boolean
language sql stable
as $$
  select q.closed_at is null and q.period_start <= quota.now() and q.period_end > quota.now()
    and (quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) <> (q.exhausted_at is not null)
      or quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) >= any (q.warn_at))
$$;
comment on function quota.needs_enforcement(quota.usage_quotas) is
  'Whether a quota of the running period has crossed a threshold or its limit, either way (R9: never a past period).';

create function quota.apply_usage(deltas quota.usage_delta[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
begin
  with applied as (
    update quota.usage_quotas q
    set used = q.used + d.used, adjusted = q.adjusted + d.adjusted, cost = q.cost + d.cost, calls = q.calls + d.calls
    from unnest(deltas) d
    where q.user_id = d.user_id and q.meter = d.meter and q.period_start = d.period_start
    returning q.*
  )
  select array_agg(a::quota.usage_quotas) into crossed
  from applied a where quota.needs_enforcement(a::quota.usage_quotas);
  if crossed is not null then
    perform quota.enforce(crossed);
  end if;
end $$;
comment on function quota.apply_usage(quota.usage_delta[]) is
  'Adds usage to quotas and enforces what they cross. One delta per quota; the caller holds the subscriptions.';

create function quota.make_due(users uuid[], services text[], ends timestamptz[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from quota.subscriptions s
  where (s.user_id, s.service) in (select o.user_id, o.service from unnest(users, services) o(user_id, service))
  order by s.user_id, s.service for no key update;
  update quota.subscriptions s set next_reset_at = o.period_end
  from (
    select o.user_id, o.service, min(o.period_end) as period_end
    from unnest(users, services, ends) o(user_id, service, period_end) group by 1, 2
  ) o
  where s.user_id = o.user_id and s.service = o.service and s.next_reset_at > o.period_end;
end $$;
comment on function quota.make_due(uuid[], text[], timestamptz[]) is
  'Brings resets forward to the end of a past period that was opened by usage and that no reset has closed.';

create function quota.count_call(
  p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamptz, p_duration_seconds numeric,
  p_messages integer, p_cost numeric)
returns boolean
language plpgsql
as $$
declare
  meter record;
  counted record;
  meters integer := 0;
begin
  for meter in
    select q.user_id is not null as is_open
    from quota.subscriptions s
    join quota.meters m on m.service = s.service and (m.models is null or p_model = any (m.models))
    left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
      and q.period_start <= p_started_at and q.period_end > p_started_at and not q.superseded
    where s.user_id = p_user and s.service = p_service
    for no key update of s
  loop
    if not meter.is_open then
      return false;
    end if;
    meters := meters + 1;
  end loop;
  if meters = 0 then
    return false;
  end if;

  for counted in
    update quota.usage_quotas q
    set used = q.used + c.quantity, calls = q.calls + 1,
      cost = q.cost + quota.cost_of(p_cost, c.unit, c.quantity, q.unit_price)
    from (
      select m.key, m.unit, quota.quantity_of(m.unit, p_status, p_duration_seconds, p_messages) as quantity
      from quota.meters m
      where m.service = p_service and (m.models is null or p_model = any (m.models))
      offset 0 -- The quantity is worked out once.
    ) c
    where q.user_id = p_user and q.meter = c.key and q.period_start <= p_started_at and q.period_end > p_started_at
    returning q.meter, q.period_start, q.superseded,
      -- More than a percent below every limit, as nearly all are, there is nothing to enforce.
      q.cost_limit is not null or q.exhausted_at is not null
        or q.used >= q.limit_quantity or (100 * q.used + q.limit_quantity) / nullif(q.limit_quantity, 0) >= any (q.warn_at) as may_cross
  loop
    meters := meters - case when counted.superseded then 0 else 1 end;
    if counted.may_cross then
      perform quota.enforce(array[q]) from quota.usage_quotas q
      where q.user_id = p_user and q.meter = counted.meter and q.period_start = counted.period_start
        and quota.needs_enforcement(q);
    end if;
  end loop;
  if meters <> 0 then
    -- The plan was changed between the look and the lock.
    perform quota.refresh_quotas(array[p_user], array[p_service]);
  end if;
  return true;
end $$;
comment on function quota.count_call(uuid, text, text, text, timestamptz, numeric, integer, numeric) is
  'Adds one call to the periods of its user''s meters, in the order of locks, and enforces what it crosses; false, and nothing is added, if one of them is not open yet.';

create function quota.call_logs_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  missing_users uuid[];
  missing_services text[];
  opened_users uuid[];
  opened_services text[];
  opened_ends timestamptz[];
  is_revived boolean;
  deltas quota.usage_delta[];
  one record;
begin
  if tg_op = 'INSERT' then
    -- One call into open periods is what apps do all day: it takes a third of the time of the sets below.
    select n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost,
      (select count(*) from (select from new_rows limit 2) first_two) as rows
    into one from new_rows n limit 1;
    if one.rows = 1 then
      if quota.count_call(
        one.user_id, one.service, one.model, one.status, one.started_at, one.duration_seconds, one.messages, one.cost)
      then
        return null;
      end if;
    elsif one.rows is null then
      return null;
    end if;
  end if;

  if tg_op <> 'DELETE' then
    select array_agg(n.user_id), array_agg(n.service) into missing_users, missing_services
    from (select distinct user_id, service from new_rows) n
    where not exists (select 1 from quota.subscriptions s where s.user_id = n.user_id and s.service = n.service);
    if missing_users is not null then
      perform set_config('quota.counting', 'on', true);
      perform quota.subscribe_to_defaults(missing_users, missing_services);
      perform set_config('quota.counting', '', true);
    end if;
  end if;

  -- Keeps resets and other writers of these users out until this transaction ends.
  if tg_op = 'INSERT' then
    perform 1 from quota.subscriptions s
    where (s.user_id, s.service) in (select user_id, service from new_rows)
    order by s.user_id, s.service for no key update;
  elsif tg_op = 'UPDATE' then
    perform 1 from quota.subscriptions s
    where (s.user_id, s.service) in (
      select user_id, service from new_rows union select user_id, service from old_rows)
    order by s.user_id, s.service for no key update;
  else
    perform 1 from quota.subscriptions s
    where (s.user_id, s.service) in (select user_id, service from old_rows)
    order by s.user_id, s.service for no key update;
  end if;

  if tg_op <> 'DELETE' and missing_users is null then
    with opened as (
      insert into quota.usage_quotas
        (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
         granted, closed_at, used_at_close)
      select w.user_id, w.meter, w.period_start, w.period_end, w.limit_quantity, w.cost_limit, w.unit_price, w.warn_at,
        w.on_exceeded, w.granted, w.closed_at, w.used_at_close
      from (
        select n.user_id, n.service, m.key as meter, min(n.started_at) as first, max(n.started_at) as last
        from new_rows n
        join quota.meters m on m.service = n.service and (m.models is null or n.model = any (m.models))
        where not exists (
          select 1 from quota.usage_quotas q
          where q.user_id = n.user_id and q.meter = m.key
            and q.period_start <= n.started_at and q.period_end > n.started_at and not q.superseded)
        group by n.user_id, n.service, m.key
      ) uncovered
      cross join lateral quota.quota_terms(uncovered.user_id, uncovered.meter, uncovered.first, uncovered.last) w
      where exists (
        select 1 from new_rows n
        where n.user_id = w.user_id and n.service = uncovered.service
          and n.started_at >= w.period_start and n.started_at < w.period_end)
      order by w.user_id, w.meter, w.period_start
      on conflict (user_id, meter, period_start) do update set superseded = true where usage_quotas.superseded
      returning user_id, meter, period_end, closed_at, superseded
    )
    select array_agg(o.user_id) filter (where not o.superseded), array_agg(m.service) filter (where not o.superseded),
      array_agg(o.period_end) filter (where not o.superseded), bool_or(o.superseded)
    into opened_users, opened_services, opened_ends, is_revived
    from opened o join quota.meters m on m.key = o.meter
    where o.superseded or (o.closed_at is null and o.period_end <= quota.now());
  end if;

  if missing_users is not null or is_revived then
    -- A first subscription may find calls of any time, and the period of a former plan that begins where one of the
    -- present plan does becomes that one: everything of these users is counted anew. Both are rare.
    if tg_op = 'INSERT' then
      select array_agg(n.user_id), array_agg(n.service) into missing_users, missing_services
      from (select distinct user_id, service from new_rows) n;
    else
      select array_agg(n.user_id), array_agg(n.service) into missing_users, missing_services
      from (select user_id, service from new_rows union select user_id, service from old_rows) n;
    end if;
    perform quota.refresh_quotas(missing_users, missing_services, false);
    if opened_users is not null then
      perform quota.make_due(opened_users, opened_services, opened_ends);
    end if;
    return null;
  end if;

  if tg_op = 'INSERT' then
    select array_agg((d.user_id, d.meter, d.period_start, d.used, 0, d.cost, d.calls)::quota.usage_delta) into deltas
    from (
      select q.user_id, q.meter, q.period_start, sum(quota.quantity_of(m.unit, n.status, n.duration_seconds, n.messages)) as used,
        sum(quota.cost_of(n.cost, m.unit, quota.quantity_of(m.unit, n.status, n.duration_seconds, n.messages), q.unit_price)) as cost, count(*)::integer as calls
      from new_rows n
      join quota.meters m on m.service = n.service and (m.models is null or n.model = any (m.models))
      join quota.usage_quotas q on q.user_id = n.user_id and q.meter = m.key
        and q.period_start <= n.started_at and q.period_end > n.started_at
      group by q.user_id, q.meter, q.period_start
    ) d;
  elsif tg_op = 'UPDATE' then
    select array_agg((d.user_id, d.meter, d.period_start, d.used, 0, d.cost, d.calls)::quota.usage_delta) into deltas
    from (
      select q.user_id, q.meter, q.period_start, sum(v.sign * quota.quantity_of(m.unit, v.status, v.duration_seconds, v.messages)) as used,
        sum(v.sign * quota.cost_of(v.cost, m.unit, quota.quantity_of(m.unit, v.status, v.duration_seconds, v.messages), q.unit_price)) as cost, sum(v.sign)::integer as calls
      from (
        select 1 as sign, user_id, service, model, started_at, status, duration_seconds, messages, cost from new_rows
        union all
        select -1, user_id, service, model, started_at, status, duration_seconds, messages, cost from old_rows
      ) v
      join quota.meters m on m.service = v.service and (m.models is null or v.model = any (m.models))
      join quota.usage_quotas q on q.user_id = v.user_id and q.meter = m.key
        and q.period_start <= v.started_at and q.period_end > v.started_at
      group by q.user_id, q.meter, q.period_start
    ) d
    where d.used <> 0 or d.cost <> 0 or d.calls <> 0;
  else
    select array_agg((d.user_id, d.meter, d.period_start, -d.used, 0, -d.cost, -d.calls)::quota.usage_delta) into deltas
    from (
      select q.user_id, q.meter, q.period_start, sum(quota.quantity_of(m.unit, o.status, o.duration_seconds, o.messages)) as used,
        sum(quota.cost_of(o.cost, m.unit, quota.quantity_of(m.unit, o.status, o.duration_seconds, o.messages), q.unit_price)) as cost, count(*)::integer as calls
      from old_rows o
      join quota.meters m on m.service = o.service and (m.models is null or o.model = any (m.models))
      join quota.usage_quotas q on q.user_id = o.user_id and q.meter = m.key
        and q.period_start <= o.started_at and q.period_end > o.started_at
      group by q.user_id, q.meter, q.period_start
    ) d;
  end if;
  if deltas is not null then
    perform quota.apply_usage(deltas);
  end if;
  if opened_users is not null then
    perform quota.make_due(opened_users, opened_services, opened_ends);
  end if;
  return null;
end $$;

create trigger call_logs_inserted after insert on quota.call_logs
  referencing new table as new_rows
  for each statement execute function quota.call_logs_changed();
create trigger call_logs_updated after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.call_logs_changed();
create trigger call_logs_deleted after delete on quota.call_logs
  referencing old table as old_rows
  for each statement execute function quota.call_logs_changed();

create function quota.adjustments_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  deltas quota.usage_delta[];
begin
  perform 1 from quota.subscriptions s
  where (s.user_id, s.service) in (select n.user_id, m.service from new_rows n join quota.meters m on m.key = n.meter)
  order by s.user_id, s.service for no key update;
  select array_agg((d.user_id, d.meter, d.period_start, d.quantity, d.quantity, d.cost, 0)::quota.usage_delta) into deltas
  from (
    select user_id, meter, period_start, sum(quantity) as quantity, sum(cost) as cost
    from new_rows group by user_id, meter, period_start
  ) d;
  if deltas is not null then
    perform quota.apply_usage(deltas);
  end if;
  return null;
end $$;

create trigger adjustments_inserted after insert on quota.adjustments
  referencing new table as new_rows
  for each statement execute function quota.adjustments_inserted();

create function quota.assistants_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
begin
  -- A user who is being limited right now: that transaction does not see these assistants, nor this one its mark.
  perform 1 from quota.subscriptions s
  where s.user_id in (select user_id from new_rows) order by s.user_id, s.service for no key update;
  select array_agg(distinct s.user_id) into users
  from new_rows n join quota.subscriptions s on s.user_id = n.user_id
  where s.limit_enforced_at is not null;
  if users is not null then
    perform quota.queue_assistants(users, 'limited');
  end if;
  return null;
end $$;

create trigger assistants_inserted after insert on quota.assistants
  referencing new table as new_rows
  for each statement execute function quota.assistants_inserted();
