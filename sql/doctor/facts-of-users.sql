create or replace function quota.facts_of_users() returns table (user_id uuid, facts bigint)
language sql stable
as $$
  select u.id, coalesce(c.count, 0) + coalesce(q.count, 0) + coalesce(j.count, 0) + coalesce(g.count, 0)
    + coalesce(a.count, 0)
  from quota.users u
  left join (select user_id, count(*) from quota.call_logs group by user_id) c on c.user_id = u.id
  left join (select user_id, count(*) from quota.usage_quotas group by user_id) q on q.user_id = u.id
  left join (select user_id, count(*) from quota.adjustments group by user_id) j on j.user_id = u.id
  left join (select user_id, count(*) from quota.grants group by user_id) g on g.user_id = u.id
  left join (select user_id, count(*) from quota.usage_alerts group by user_id) a on a.user_id = u.id
$$;
comment on function quota.facts_of_users() is
  'How many calls, quotas, adjustments, grants and alerts each user has, together.';
