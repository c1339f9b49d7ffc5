create or replace function quota.must_be_limited(p_user uuid, p_service text) returns boolean
language sql stable
as $$
  select exists (
    select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = p_user and m.service = p_service and q.on_exceeded = 'limit_assistants'
      and not q.superseded and q.exhausted_at is not null
      and quota.contains(q, quota.now()))
$$;
comment on function quota.must_be_limited(uuid, text) is
  'Whether a running quota that limits assistants is exhausted.';
