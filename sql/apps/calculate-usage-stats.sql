create or replace function quota.calculate_usage_stats(p_user uuid, p_months_back integer default 6)
returns table (
  month date, service text, calls integer, errors integer, seconds numeric, messages bigint, cost numeric,
  average_seconds numeric)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select date_trunc('month', l.started_at at time zone 'UTC')::date, l.service, count(*)::integer,
    count(*) filter (where l.status = 'error')::integer, coalesce(sum(l.duration_seconds), 0),
    coalesce(sum(l.messages), 0),
    coalesce(sum(l.cost), 0), round(avg(l.duration_seconds), 3)
  from quota.call_logs l
  where l.user_id = p_user and quota.refuse_other_user(p_user)
    and l.started_at >= (date_trunc('month', quota.now() at time zone 'UTC')
      - make_interval(months => p_months_back)) at time zone 'UTC'
  group by 1, 2
  order by 1 desc, 2
$$;
comment on function quota.calculate_usage_stats(uuid, integer) is
  'Calls, errors, seconds, messages and cost per calendar month (UTC) and service, this month and so many '
  'before it.';
