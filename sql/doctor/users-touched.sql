create or replace function quota.users_touched(p_age integer, p_since timestamptz) returns table (
  user_id uuid, age integer, at timestamptz)
language sql stable
as $$
  with clock as materialized (select quota.now() as at)
  -- A row says which transaction wrote it, whoever that was and whatever triggers were switched off. "age" is
  -- less the later that was; where that is too long ago to tell it is anything, and somebody is examined for
  -- nothing.
  select q.user_id, age(q.xmin), q.period_start from quota.usage_quotas q, clock
  where age(q.xmin) <= p_age or (q.period_start > p_since and q.period_start <= clock.at)
  union all
  select g.user_id, age(g.xmin), t.at
  from quota.grants g
  cross join clock
  cross join lateral (values (g.created_at), (g.expires_at), (g.revoked_at)) t(at)
  where age(g.xmin) <= p_age or (t.at > p_since and t.at <= clock.at)
  union all
  select c.user_id, age(c.xmin), null from quota.call_logs c where age(c.xmin) <= p_age
  union all
  select c.user_id, null, c.started_at from quota.call_logs c, clock
  where c.started_at > p_since and c.started_at <= clock.at
  union all
  select s.user_id, age(s.xmin), null from quota.subscriptions s where age(s.xmin) <= p_age
  union all
  select a.user_id, age(a.xmin), null from quota.adjustments a where age(a.xmin) <= p_age
  union all
  select a.user_id, age(a.xmin), null from quota.usage_alerts a where age(a.xmin) <= p_age
$$;
comment on function quota.users_touched(integer, timestamptz) is
  'Of whom something that the doctor examines was written, as many transactions ago as given or fewer; or a '
  'period or a call began, or a grant began or ended, since an instant: by time alone, it may be.';
