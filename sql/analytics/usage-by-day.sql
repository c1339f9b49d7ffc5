create or replace function quota.usage_by_day(
  p_from date, p_to date, p_service text default null, p_by_model boolean default false)
returns table (
  day date, service text, plan text, model text, user_id uuid, calls integer, errors integer,
  seconds numeric, messages bigint, premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
language sql stable
as $$
  with stale as materialized (select array(select quota.stale_days(p_from, p_to, p_by_model)) as days),
  -- Read by their days: joined as it is, all that was ever rolled up is read to find the plans of one day.
  former as materialized (
    select distinct a.user_id, a.day, a.service, a.plan from quota.usage_analytics a
    where a.day = any (array(select unnest(s.days) from stale s))
  )
  select a.day, a.service, a.plan, a.model, a.user_id, a.calls, a.errors, a.seconds, a.messages,
    a.premium_messages, a.cost, a.tokens, a.bytes
  from quota.usage_analytics a, stale
  where a.day between p_from and p_to and a.day <> all (stale.days)
    and (p_service is null or a.service = p_service)
  union all
  select f.day, f.service, coalesce(a.plan, s.plan, ''), f.model, f.user_id, f.calls, f.errors, f.seconds,
    f.messages, f.premium_messages, f.cost, f.tokens, f.bytes
  from stale
  cross join lateral quota.summarize_days(stale.days, p_service) f
  left join former a on a.user_id = f.user_id and a.day = f.day and a.service = f.service
  left join quota.subscriptions s on s.user_id = f.user_id and s.service = f.service
$$;
comment on function quota.usage_by_day(date, date, text, boolean) is
  'Usage per day, service, plan, model and user: rolled-up days from usage_analytics, all others from their '
  'call logs. Days that were rolled up without are one model, and are such others only with p_by_model.';
