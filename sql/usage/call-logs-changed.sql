-- R3, enforcement in the database: every change of call_logs reaches the quotas, alerts, exhaustion and the
-- provider queue in the same transaction, one set operation per statement.

create or replace function quota.call_logs_changed() returns trigger
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

create or replace trigger call_logs_inserted after insert on quota.call_logs
  referencing new table as new_rows
  for each statement execute function quota.call_logs_changed();

create or replace trigger call_logs_updated after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.call_logs_changed();

create or replace trigger call_logs_deleted after delete on quota.call_logs
  referencing old table as old_rows
  for each statement execute function quota.call_logs_changed();
