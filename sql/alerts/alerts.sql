create type quota.alert as (
  id uuid, service text, meter text, unit text, level text, threshold integer, message text, active boolean,
  percent numeric, used numeric, "limit" numeric, cost numeric, cost_limit numeric, period_start timestamptz,
  period_end timestamptz, crossed_at timestamptz, ended_at timestamptz, acknowledged_at timestamptz);

create or replace function quota.alerts_of(p_user uuid, p_alert uuid) returns setof quota.alert
language sql stable
as $$
  select a.id, m.service, a.meter, m.unit,
    case when n.active then quota.alert_level(a.threshold, q.warn_at) else a.level end, a.threshold,
    quota.alert_message(a.threshold, m.service, m.unit, a.meter), n.active,
    case when n.active
      then quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) else a.percent end,
    case when n.active then q.used end, case when n.active then q.limit_quantity + q.granted end,
    case when n.active then q.cost end, case when n.active then q.cost_limit end,
    case when isfinite(q.period_start) then q.period_start end,
    case when isfinite(q.period_end) then q.period_end end, a.crossed_at, a.ended_at, a.acknowledged_at
  from quota.usage_alerts a
  join quota.usage_quotas q using (user_id, meter, period_start)
  join quota.meters m on m.key = a.meter
  cross join lateral (select quota.alert_payload(a.user_id, a.id) is not null as active) n
  where a.user_id = p_user and (p_alert is null or a.id = p_alert)
$$;
comment on function quota.alerts_of(uuid, uuid) is
  'One alert of a user, or all. active: it is so now, with the figures of now; else percent is that of when '
  'it was raised.';

create or replace function quota.alerts(
  p_user text, p_limit integer default 50, p_before timestamptz default null, p_service text default null)
returns setof quota.alert
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select a.*
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.alerts_of(o.id, null) a
  where (p_before is null or a.crossed_at < p_before) and (p_service is null or a.service = p_service)
    and quota.refuse_unknown_service(p_service)
  order by a.crossed_at desc, a.threshold desc, a.id
  limit least(greatest(p_limit, 1), 1000)
$$;
comment on function quota.alerts(text, integer, timestamptz, text) is
  'The alerts of a user, the latest first, a page at a time (p_before: crossed_at of the last one).';

create or replace function quota.alert_message(threshold integer, service text, unit text, meter text)
returns text
language sql immutable parallel safe
as $$
  select case when threshold >= 100 then 'All of your ' when threshold = 0 then 'At this pace your '
    else threshold || ' % of your ' end
    || case
      when unit = 'second' then service || ' time'
      else quota.meter_label(meter, unit)
    end
    || case when threshold = 0 then ' will be used up before the period ends'
      when unit = 'second' then ' is used up' when threshold >= 100 then ' are used up' else ' are used'
    end
$$;
comment on function quota.alert_message(integer, text, text, text) is 'A sentence for the user of an app.';

create or replace function quota.acknowledge_alert(p_user text, p_alert uuid, p_reason text default null)
returns quota.alert
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid := quota.resolve_user(p_user);
  taken record;
  answer quota.alert;
begin
  update quota.usage_alerts a set acknowledged_at = quota.now()
  where a.user_id = owner and a.id = p_alert and a.acknowledged_at is null
  returning a.meter, a.threshold, a.acknowledged_at into taken;
  if found then
    insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
    select 'alert.acknowledged', owner, m.service, p_alert::text, p_reason,
      jsonb_build_object('acknowledgedAt', null),
      jsonb_build_object(
        'acknowledgedAt', taken.acknowledged_at, 'meter', m.key, 'threshold', taken.threshold)
    from quota.meters m where m.key = taken.meter;
  end if;
  select f.* into answer from quota.alerts_of(owner, p_alert) f;
  if answer.id is null then
    raise exception 'this user has no alert %', p_alert
      using errcode = 'QT003', hint = 'quota.alerts(user) tells their ids.';
  end if;
  return answer;
end $$;
comment on function quota.acknowledge_alert(text, uuid, text) is
  'Marks an alert as seen by its user, once: the first time stays. Returns the alert; QT003: this user has '
  'no such alert.';
