create or replace function quota.summarize_days(p_days date[], p_service text default null)
returns table (
  day date, service text, model text, user_id uuid, calls integer, errors integer, seconds numeric,
  messages bigint, premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
language sql stable
as $$
  select c.day, c.service, coalesce(c.model, ''), c.user_id, count(*)::integer,
    (count(*) filter (where c.status = 'error'))::integer,
    coalesce(sum(c.duration_seconds), 0),
    coalesce(sum(c.messages), 0)::bigint,
    coalesce(sum(c.premium_messages), 0)::bigint,
    coalesce(sum(c.cost), 0), coalesce(sum(c.tokens), 0), coalesce(sum(c.bytes), 0)
  from quota.calls_of_days(p_days, p_service) c
  group by c.user_id, c.day, c.service, coalesce(c.model, '')
$$;
comment on function quota.summarize_days(date[], text) is
  'Usage per day, service, model and user, from the call logs of these days; calls without a cost at the '
  'price of their period.';
