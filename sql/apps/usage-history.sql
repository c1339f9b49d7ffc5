create or replace function quota.usage_history(
  p_user text, p_service text default null, p_limit integer default 50, p_before bigint default null)
returns table (
  call_log_id bigint, service text, provider text, key text, assistant_id text, model text, status text,
  started_at timestamptz, ended_at timestamptz, seconds numeric, messages integer, words integer,
  cost numeric, error text, metadata jsonb, is_estimate boolean, quantities jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  owner uuid := quota.user_or_newcomer(p_user);
  bound quota.call_logs;
begin
  perform quota.refuse_unknown_service(p_service);
  if p_limit is null or p_limit < 1 or p_limit > 500 then
    raise exception 'a page has 1 to 500 calls, not %', p_limit using errcode = 'QT003';
  end if;
  if p_before is not null then
    select * into bound from quota.call_logs l where l.id = p_before and l.user_id = owner;
    if not found then
      raise exception 'the user has no call %', p_before
        using errcode = 'QT003', hint = 'Give the call_log_id of the last row of the page before.';
    end if;
  end if;
  return query
  select l.id, l.service, l.provider, l.provider_call_id, l.assistant_id, l.model, l.status, l.started_at,
    l.ended_at, l.duration_seconds, l.messages, l.words_spoken, quota.price_of(l), l.error_message,
    l.metadata, coalesce(quota.is_estimate(l.settled_by), false), l.quantities
  from quota.call_logs l
  where l.user_id = owner and (p_service is null or l.service = p_service)
    and (p_before is null or (l.started_at, l.id) < (bound.started_at, bound.id))
  order by l.started_at desc, l.id desc
  limit p_limit;
end $$;
comment on function quota.usage_history(text, text, integer, bigint) is
  'The calls of a user, the newest first, of one service or all; cost as logged, else by the price of the '
  'plan. is_estimate: nobody told its end. p_before: the call_log_id of the last row of the page before.';
