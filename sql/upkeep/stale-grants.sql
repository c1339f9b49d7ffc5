create or replace function quota.stale_grants(only_user uuid default null)
returns table (user_id uuid, service text)
language sql stable
as $$
  select distinct q.user_id, m.service
  from quota.usage_quotas q
  join quota.meters m on m.key = q.meter
  where q.granted > 0 and q.closed_at is null and quota.contains(q, quota.now())
    and (only_user is null or q.user_id = only_user)
    and exists (
      select 1 from quota.grants g
      where g.user_id = q.user_id and g.meter = q.meter
        and least(g.expires_at, g.revoked_at) between q.period_start and quota.now())
    and q.granted <> quota.granted_now(q.user_id, q.meter)
$$;
comment on function quota.stale_grants(uuid) is 'Whose running quotas still count a grant that has expired.';
