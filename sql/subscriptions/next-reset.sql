create or replace function quota.next_reset(plan_key text, anchor_local timestamp, tz text, at timestamptz)
returns timestamptz
language sql stable
as $$
  select min(upper(quota.period_at(
    quota.limit_anchor(l.reset_anchor, l.boundary, anchor_local), l.reset_every, tz, at)))
  from quota.plan_limits l
  where l.plan = plan_key and l.reset_every is not null
$$;
comment on function quota.next_reset(text, timestamp, text, timestamptz) is
  'When the first of a plan''s periods that contain an instant ends; null for lifetime plans.';
