create or replace function quota.usage_of_month(p_at timestamptz, p_services text[])
returns table (
  user_id uuid, service text, seconds numeric, messages numeric, premium_messages numeric, cost numeric,
  tokens numeric, bytes numeric)
language sql stable
as $$
  with stale as materialized (
    select array(select quota.stale_days(quota.day_of(p_at) - 29, quota.day_of(p_at))) as days
  )
  select u.user_id, u.service, sum(u.seconds), sum(u.messages), sum(u.premium_messages), sum(u.cost),
    sum(u.tokens), sum(u.bytes)
  from (
    select a.user_id, a.service, a.seconds, a.messages, a.premium_messages, a.cost, a.tokens, a.bytes
    from stale
    join quota.usage_analytics a on a.day between quota.day_of(p_at) - 29 and quota.day_of(p_at)
      and a.day <> all (stale.days)
    where a.service = any (p_services)
    union all
    select f.user_id, f.service, f.seconds, f.messages, f.premium_messages, f.cost, f.tokens, f.bytes
    from stale
    cross join unnest(p_services) s(service)
    cross join lateral quota.summarize_days(stale.days, s.service) f
  ) u
  group by u.user_id, u.service
$$;
comment on function quota.usage_of_month(timestamptz, text[]) is
  'What users used of services in the thirty days until an instant. As quota.usage_by_day has it, without '
  'the plans of the time.';
