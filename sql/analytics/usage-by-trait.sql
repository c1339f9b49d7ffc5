create or replace function quota.usage_by_trait(
  p_from date, p_to date, p_trait text, p_service text default null)
returns table (
  key text, user_id uuid, calls bigint, errors bigint, seconds numeric, messages bigint,
  premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
language sql stable
as $$
  select t.key, c.user_id, count(*), count(*) filter (where c.status = 'error'),
    coalesce(sum(c.duration_seconds), 0), coalesce(sum(c.messages), 0)::bigint,
    coalesce(sum(c.premium_messages), 0)::bigint, coalesce(sum(c.cost), 0), coalesce(sum(c.tokens), 0),
    coalesce(sum(c.bytes), 0)
  from quota.calls_of_days(
    array(select p_from + n from generate_series(0, p_to - p_from) n), p_service) c
  cross join lateral (
    select coalesce(
      case p_trait
        when 'assistant' then c.assistant_id
        when 'hour' then to_char(c.started_at at time zone 'UTC', 'HH24') end, '') as key) t
  group by t.key, c.user_id
$$;
comment on function quota.usage_by_trait(date, date, text, text) is
  'Usage per user and "assistant" or "hour" (00 to 23, UTC) of its calls, both days included; the '
  'key is empty where a call tells none. From the call logs alone: roll-ups do not keep these.';
