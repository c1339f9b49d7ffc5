-- The daily roll-up: days are UTC, one row per user, service and plan. A day is rolled once it is over, and again when
-- its calls change later.

alter table quota.usage_analytics add column premium_messages bigint not null default 0;
comment on column quota.usage_analytics.premium_messages is 'The messages of models that a meter counts apart.';
comment on column quota.usage_analytics.plan is 'The plan at the first roll-up of the day.';

create table quota.analytics_days (
  day date primary key,
  horizon xid8,
  rolled_at timestamptz
);
comment on table quota.analytics_days is 'Days that are rolled up (rolled_at) or about to be: whoever changes one of their calls leaves a mark.';
comment on column quota.analytics_days.horizon is
  'Transactions from here on have seen that the day is claimed; it can be rolled up when all before have ended.';

create table quota.analytics_changes (
  day date not null,
  xid xid8 not null default pg_current_xact_id(),
  primary key (day, xid)
);
comment on table quota.analytics_changes is
  'Marks of past days whose calls a transaction changed. One row per transaction: writers never wait for each other, and a roll-up takes only the marks whose changes it sees.';

create function quota.day_of(at timestamptz) returns date
language sql immutable parallel safe
as $$ select (at at time zone 'UTC')::date $$;
comment on function quota.day_of(timestamptz) is 'The day of analytics: UTC.';

create function quota.mark_days() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  today timestamptz := date_trunc('day', clock_timestamp(), 'UTC');
begin
  -- Calls of today, as apps log them all day long, cost one look into an index. The clock closes a gap: a transaction
  -- whose snapshot is older than the claim of its day does not see the claim.
  if tg_op = 'INSERT' then
    if not exists (select from new_rows n where n.started_at < today)
      and not exists (select from quota.analytics_days d where d.day >= (today at time zone 'UTC')::date)
    then
      return null;
    end if;
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(n.started_at) from new_rows n
    where n.started_at < today or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(n.started_at))
    on conflict do nothing;
  elsif tg_op = 'DELETE' then
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(o.started_at) from old_rows o
    where o.started_at < today or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(o.started_at))
    on conflict do nothing;
  else
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(c.started_at)
    from new_rows n join old_rows o using (id) cross join lateral (values (n.started_at), (o.started_at)) c(started_at)
    where (n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost)
        is distinct from (o.user_id, o.service, o.model, o.status, o.started_at, o.duration_seconds, o.messages, o.cost)
      and (c.started_at < today or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(c.started_at)))
    on conflict do nothing;
  end if;
  return null;
end $$;

create trigger call_logs_mark_inserted after insert on quota.call_logs
  referencing new table as new_rows for each statement execute function quota.mark_days();
create trigger call_logs_mark_updated after update on quota.call_logs
  referencing old table as old_rows new table as new_rows for each statement execute function quota.mark_days();
create trigger call_logs_mark_deleted after delete on quota.call_logs
  referencing old table as old_rows for each statement execute function quota.mark_days();

create function quota.summarize_days(p_days date[], p_service text default null)
returns table (day date, service text, user_id uuid, calls integer, errors integer, seconds numeric, messages bigint,
  premium_messages bigint, cost numeric)
language sql stable
as $$
  with calls as (
    select d.day, l.service, l.user_id, l.status, l.duration_seconds, l.model, l.cost, l.started_at,
      m.key as meter, m.unit, quota.quantity_of(m.unit, l.status, l.duration_seconds, l.messages) as quantity,
      exists (select 1 from quota.meters p where p.service = l.service and l.model = any (p.models)) as premium
    from unnest(p_days) d(day)
    join quota.call_logs l on l.started_at >= d.day::timestamp at time zone 'UTC'
      and l.started_at < (d.day + 1)::timestamp at time zone 'UTC'
    -- What counts every call of the service; the others are parts of it.
    left join lateral (
      select m.key, m.unit from quota.meters m where m.service = l.service and m.models is null order by m.key limit 1) m on true
    where p_service is null or l.service = p_service
  ), priced as (
    select c.*, coalesce(c.cost, quota.cost_of(null, c.unit, c.quantity, (
      select q.unit_price from quota.usage_quotas q
      where c.cost is null and q.user_id = c.user_id and q.meter = c.meter and not q.superseded
        and q.period_start <= c.started_at and q.period_end > c.started_at
      limit 1))) as spent
    from calls c
  )
  select p.day, p.service, p.user_id, count(*)::integer, (count(*) filter (where p.status = 'error'))::integer,
    coalesce(sum(p.duration_seconds), 0), coalesce(sum(p.quantity) filter (where p.unit = 'message'), 0)::bigint,
    coalesce(sum(p.quantity) filter (where p.unit = 'message' and p.premium), 0)::bigint, coalesce(sum(p.spent), 0)
  from priced p
  group by p.user_id, p.day, p.service
$$;
comment on function quota.summarize_days(date[], text) is
  'Usage per day, service and user, from the call logs of these days; calls without a cost at the price of their period.';

create function quota.stale_days(p_from date, p_to date) returns setof date
language sql stable
as $$
  select d::date from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') d
  where not exists (select 1 from quota.analytics_days a where a.day = d::date and a.rolled_at is not null)
    or exists (select 1 from quota.analytics_changes c where c.day = d::date)
$$;
comment on function quota.stale_days(date, date) is 'The days that usage_analytics does not hold as they are.';

create function quota.days_to_roll() returns setof date
language sql stable
as $$
  select d::date
  from generate_series(
    coalesce((select max(a.day) + 1 from quota.analytics_days a), (select quota.day_of(min(l.started_at)) from quota.call_logs l))::timestamp,
    (quota.day_of(quota.now()) - 1)::timestamp, interval '1 day') d
  union
  select a.day from quota.analytics_days a where a.rolled_at is null and a.day < quota.day_of(quota.now())
  union
  select c.day from quota.analytics_changes c where c.day < quota.day_of(quota.now())
  order by 1
$$;
comment on function quota.days_to_roll() is 'Days that are over and were never rolled up, or whose calls have changed since.';
create index analytics_days_claimed on quota.analytics_days (day) where rolled_at is null;

create function quota.roll_up_day(p_day date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  written integer;
begin
  -- Two at once would both insert.
  perform 1 from quota.analytics_days d where d.day = p_day for update;
  if not found then
    raise exception 'the day % was not claimed', p_day using errcode = '55000';
  end if;
  -- The marks first: what they stand for is visible to the sums that follow.
  delete from quota.analytics_changes c where c.day = p_day;
  -- Users whose calls of the day are gone keep a zero until the end.
  update quota.usage_analytics a set calls = 0 where a.day = p_day;
  insert into quota.usage_analytics as a
    (day, service, plan, user_id, calls, errors, seconds, messages, premium_messages, cost)
  select f.day, f.service, coalesce(former.plan, s.plan, ''), f.user_id, f.calls, f.errors, f.seconds, f.messages,
    f.premium_messages, f.cost
  from quota.summarize_days(array[p_day]) f
  -- The day by its value: joined by f.day, all rows of the day are merged with all, for the planner takes days for many.
  left join quota.usage_analytics former
    on former.user_id = f.user_id and former.day = p_day and former.service = f.service
  left join quota.subscriptions s on s.user_id = f.user_id and s.service = f.service
  on conflict (user_id, day, service, plan) do update
  set calls = excluded.calls, errors = excluded.errors, seconds = excluded.seconds, messages = excluded.messages,
    premium_messages = excluded.premium_messages, cost = excluded.cost;
  get diagnostics written = row_count;
  delete from quota.usage_analytics a where a.day = p_day and a.calls = 0;
  update quota.analytics_days d set rolled_at = quota.now() where d.day = p_day;
  return written;
end $$;
comment on function quota.roll_up_day(date) is 'Rolls a claimed day up anew and takes the marks of its changes; returns the rows written.';

create function quota.usage_by_day(p_from date, p_to date, p_service text default null)
returns table (day date, service text, plan text, user_id uuid, calls integer, errors integer, seconds numeric,
  messages bigint, premium_messages bigint, cost numeric)
language sql stable
as $$
  with stale as materialized (select array(select quota.stale_days(p_from, p_to)) as days)
  select a.day, a.service, a.plan, a.user_id, a.calls, a.errors, a.seconds, a.messages, a.premium_messages, a.cost
  from quota.usage_analytics a, stale
  where a.day between p_from and p_to and a.day <> all (stale.days) and (p_service is null or a.service = p_service)
  union all
  select f.day, f.service, coalesce(a.plan, s.plan, ''), f.user_id, f.calls, f.errors, f.seconds, f.messages,
    f.premium_messages, f.cost
  from stale
  cross join lateral quota.summarize_days(stale.days, p_service) f
  left join quota.usage_analytics a on a.user_id = f.user_id and a.day = f.day and a.service = f.service
  left join quota.subscriptions s on s.user_id = f.user_id and s.service = f.service
$$;
comment on function quota.usage_by_day(date, date, text) is
  'Usage per day, service, plan and user: rolled-up days from usage_analytics, all others from their call logs.';
