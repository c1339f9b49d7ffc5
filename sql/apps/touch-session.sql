create type quota.touch_result as (
  running boolean, session_id bigint, status text, progress numeric, remaining numeric, cap_seconds numeric,
  ends_at timestamptz, expires_at timestamptz, action text, is_estimate boolean, cost numeric,
  cost_limit numeric);

create or replace function quota.touch_session(
  p_user text, p_key text, p_seconds numeric default null, p_provider text default null)
returns quota.touch_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  owner uuid;
  session quota.call_logs;
  result quota.touch_result;
  answer quota.check_result;
begin
  select u.id into owner from quota.users u where u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := quota.resolve_user(p_user);
  end if;
  perform quota.refuse_impossible(p_seconds, null, null);
  if p_seconds > 604800 then
    raise exception 'a call of % seconds is longer than the 7 days that one call may last',
      quota.shown(p_seconds::text)
      using errcode = 'QT003';
  end if;
  -- As an end does: the call first, then its subscription.
  select * into session from quota.call_logs l where l.id = quota.find_session(owner, p_key, p_provider)
  for no key update;
  if not found then
    raise exception 'unknown session "%"', quota.shown(p_key) using errcode = 'QT003',
      hint = 'A session is known from its start on.';
  end if;
  if session.status = 'active' or quota.is_estimate(session.settled_by) then
    return quota.extend_lease(session, round(p_seconds, 3));
  end if;
  result.running := false;
  result.session_id := session.id;
  result.status := session.status;
  result.progress := quota.told_quantity(session);
  answer := quota.decide(owner, session.service, session.model);
  result.remaining := answer.remaining;
  result.cost := answer.cost;
  result.cost_limit := answer.cost_limit;
  result.is_estimate := false;
  return result;
end $$;
comment on function quota.touch_session(text, text, numeric, text) is
  'The sign of life of a running session, by the app''s key (or our number): what it has used (default on '
  'live meters: the time since its start). Extends the lease to expires_at; answers what is left including '
  'its own reservation, what it may use in all (cap_seconds), when to end (ends_at, live meters), and with '
  'action that it is to end now; cost: what the period has cost before it. '
  'A session that was settled at an estimate runs again. running = false: its '
  'end is known already.';
