create or replace function quota.end_session(
  p_session bigint, p_duration_seconds numeric default null, p_cost numeric default null,
  p_words integer default null, p_messages integer default null, p_status text default 'completed',
  p_error text default null)
returns quota.record_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  session quota.call_logs;
  answer quota.check_result;
  result quota.record_result;
begin
  perform quota.refuse_impossible(p_duration_seconds, p_cost, null);
  -- As an update does: the call first, then its subscription.
  select * into session from quota.call_logs l where l.id = p_session for no key update;
  if not found then
    raise exception 'unknown session %', p_session using errcode = 'QT003';
  end if;
  perform quota.refuse_other_user(session.user_id);
  perform quota.lock_allowance(session.user_id, session.service);
  update quota.call_logs l
  set status = p_status,
    duration_seconds = coalesce(
      p_duration_seconds, round(extract(epoch from greatest(quota.now(), l.started_at) - l.started_at), 3)),
    ended_at = case when p_duration_seconds is null then greatest(quota.now(), l.started_at)
      else l.started_at + make_interval(secs => p_duration_seconds::float8) end,
    cost = coalesce(p_cost, l.cost), words_spoken = coalesce(p_words, l.words_spoken),
    messages = coalesce(p_messages, l.messages),
    error_message = coalesce(p_error, l.error_message)
  where l.id = p_session and l.status = 'active';
  result.recorded := found;
  delete from quota.concurrent_processing c where c.user_id = session.user_id and c.call_log_id = p_session;
  answer := quota.decide(session.user_id, session.service, session.model);
  result.call_log_id := p_session;
  result.used := answer.used;
  result."limit" := answer."limit";
  result.remaining := answer.remaining;
  result.state := answer.state;
  result.action := answer.action;
  return result;
end $$;
comment on function quota.end_session(bigint, numeric, numeric, integer, integer, text, text) is
  'Settles a session: its duration (default: since its start), cost and words; frees what was reserved. '
  'recorded = false: it had ended already. action = switch_to_static: nothing is left.';
