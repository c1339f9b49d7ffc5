create or replace function quota.users_touched(p_age integer, p_since timestamptz) returns table (
  user_id uuid, age integer, at timestamptz, facts bigint)
language sql stable
as $$
  with clock as materialized (select quota.now() as at)
  -- A row says which transaction wrote it, whoever that was and whatever triggers were switched off. "age" is
  -- less the later that was; where that is too long ago to tell it is anything, and somebody is examined for
  -- nothing. Nearly all rows are of nobody: they are counted in the same pass, as reading them is what costs.
  select case when age(q.xmin) <= p_age or b.began is not null then q.user_id end, min(age(q.xmin)),
    max(b.began), count(*)
  from quota.usage_quotas q
  cross join clock
  cross join lateral (select case when q.period_start > p_since and q.period_start <= clock.at
    then q.period_start end) b(began)
  group by 1
  union all
  select case when age(c.xmin) <= p_age or b.began is not null then c.user_id end, min(age(c.xmin)),
    max(b.began), count(*)
  from quota.call_logs c
  cross join clock
  cross join lateral (select case when c.started_at > p_since and c.started_at <= clock.at
    then c.started_at end) b(began)
  group by 1
  union all
  select case when age(g.xmin) <= p_age or b.began is not null then g.user_id end, min(age(g.xmin)),
    max(b.began), count(*)
  from quota.grants g
  cross join clock
  cross join lateral (select greatest(
    case when g.created_at > p_since and g.created_at <= clock.at then g.created_at end,
    case when g.expires_at > p_since and g.expires_at <= clock.at then g.expires_at end,
    case when g.revoked_at > p_since and g.revoked_at <= clock.at then g.revoked_at end)) b(began)
  group by 1
  union all
  select case when age(a.xmin) <= p_age then a.user_id end, min(age(a.xmin)), null, count(*)
  from quota.adjustments a group by 1
  union all
  select case when age(a.xmin) <= p_age then a.user_id end, min(age(a.xmin)), null, count(*)
  from quota.usage_alerts a group by 1
  union all
  -- No fact, and not counted.
  select s.user_id, age(s.xmin), null, 0 from quota.subscriptions s where age(s.xmin) <= p_age
$$;
comment on function quota.users_touched(integer, timestamptz) is
  'Of whom something that the doctor examines was written, as many transactions ago as given or fewer; or a '
  'period or a call began, or a grant began or ended, since an instant: by time alone, it may be. And how '
  'many rows these are of which quota.facts_of_users tells; those of all others as of nobody.';
