create or replace function quota.calculate_usage_stats(
  p_user text, p_months_back integer default 6, p_service text default null)
returns table (
  month date, service text, calls integer, errors integer, seconds numeric, messages bigint, cost numeric,
  average_seconds numeric)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  with asked as materialized (
    select quota.user_or_newcomer(p_user) as user_id,
      date_trunc('month', quota.now() at time zone 'UTC') as this_month
    where quota.refuse_unknown_service(p_service)
  ), counted as (
    select date_trunc('month', l.started_at at time zone 'UTC')::date as month, l.service,
      count(*)::integer as calls, count(*) filter (where l.status = 'error')::integer as errors,
      coalesce(sum(l.duration_seconds), 0) as seconds, coalesce(sum(l.messages), 0) as messages,
      coalesce(sum(quota.price_of(l)), 0) as cost, round(avg(l.duration_seconds), 3) as average_seconds
    from asked a
    join quota.call_logs l on l.user_id = a.user_id and (p_service is null or l.service = p_service)
      -- Of months that cannot be there is none; a thousand years are all.
      and l.started_at >= (a.this_month
        - make_interval(months => least(greatest(coalesce(p_months_back, 6), 0), 12000))) at time zone 'UTC'
    group by 1, 2
  )
  select c.month, c.service, c.calls, c.errors, c.seconds, c.messages, c.cost, c.average_seconds
  from counted c
  union all
  -- A month without a call is one of zeros, not one that is missing, while it runs.
  select a.this_month::date, s.service, 0, 0, 0, 0, 0, null
  from asked a cross join lateral quota.services_of(a.user_id, p_service) s
  where not exists (
    select from counted c where c.month = a.this_month::date and c.service = s.service)
    and (p_service is not null or not exists (
        select from quota.subscriptions b where b.user_id = a.user_id and b.service <> s.service)
      or exists (
        select from quota.subscriptions b where b.user_id = a.user_id and b.service = s.service))
  order by 1 desc, 2
$$;
comment on function quota.calculate_usage_stats(text, integer, text) is
  'Calls, errors, seconds, messages and cost (as logged, else by the plan''s price) per calendar month (UTC) '
  'and service, this month and so many before it; also before the first call.';
