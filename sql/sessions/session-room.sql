create type quota.session_room as (
  remaining numeric, cap numeric, on_exceeded text, cost numeric, cost_limit numeric);
comment on type quota.session_room is
  'What a running session may still use of the allowance, what it may use in all, what is done when that is '
  'used up, and the money of the period; null: no limit.';

create or replace function quota.session_room(
  p_call quota.call_logs, p_estimate numeric, p_former_cap numeric, p_progress numeric)
returns quota.session_room
language sql stable
as $$
  select r.remaining,
    case when r.is_former then least(case when r.is_limited then p_former_cap end, p.max_session_seconds)
      else least(p_estimate, r.remaining + p_progress, p.max_session_seconds) end,
    r.on_exceeded, r.cost, r.cost_limit
  from quota.subscription_or_default(p_call.user_id, p_call.service) s
  join quota.plans p on p.key = s.plan
  cross join lateral (
    -- What began before a boundary belongs to the period that is over, whose rest it holds already.
    select bool_or(a.period_start > p_call.started_at) as is_former,
      bool_or(a.room is not null) as is_limited,
      case when bool_or(a.period_start > p_call.started_at)
        then case when bool_or(a.room is not null) and p_former_cap is not null
          then greatest(p_former_cap - p_progress, 0) end
        else min(case when a.exhausted or a.remaining = 0 then 0 else a.room end) end as remaining,
      (array_agg(a.on_exceeded order by a.exhausted desc, a.room asc nulls last))[1] as on_exceeded,
      (array_agg(a.cost order by a.exhausted desc, a.room asc nulls last))[1] as cost,
      (array_agg(a.cost_limit order by a.exhausted desc, a.room asc nulls last))[1] as cost_limit
    from quota.allowance_of(p_call.user_id, s.plan, s.anchor_local, s.timezone, p_call.model, p_call.id) a
    where a.counts) r
$$;
comment on function quota.session_room(quota.call_logs, numeric, numeric, numeric) is
  'What a session that has used p_progress may go on to use: its own reservation is its own. p_estimate: '
  'what it asked for (null: whatever is left), p_former_cap: what it was given before.';
