create or replace function quota.usage_by_plan(
  p_from date, p_to date, p_service text default null, p_by_model boolean default false)
returns table (
  day date, service text, plan text, model text, calls bigint, errors bigint, seconds numeric,
  messages bigint, premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
language sql stable
as $$
  with stale as materialized (select array(select quota.stale_days(p_from, p_to, p_by_model)) as days),
  totals as materialized (
    select t.* from quota.analytics_totals t, stale
    where t.day between p_from and p_to and t.day <> all (stale.days)
  ), others as materialized (
    -- Mostly today, and nothing else.
    select min(d.day) as first, max(d.day) as last, array_agg(d.day) as days
    from (
      select g::date as day from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') g
      except
      select t.day from totals t
    ) d
  )
  select t.day, t.service, t.plan, t.model, t.calls, t.errors, t.seconds, t.messages, t.premium_messages,
    t.cost, t.tokens, t.bytes
  from totals t
  where p_service is null or t.service = p_service
  union all
  select u.day, u.service, u.plan, u.model, sum(u.calls), sum(u.errors), sum(u.seconds),
    sum(u.messages)::bigint, sum(u.premium_messages)::bigint, sum(u.cost), sum(u.tokens), sum(u.bytes)
  from others o
  cross join lateral quota.usage_by_day(o.first, o.last, p_service, p_by_model) u
  where u.day = any (o.days)
  group by u.day, u.service, u.plan, u.model
$$;
comment on function quota.usage_by_plan(date, date, text, boolean) is
  'Usage per day, service, plan and model: as it was added up, else as quota.usage_by_day has it.';
