create or replace function quota.outdate_meter(p_meter text) returns void
language sql
as $$
  insert into quota.cache_outbox (user_id, external_id, meter, period_start, due_at)
  select q.user_id, u.external_id, q.meter, q.period_start, quota.now()
  from quota.usage_quotas q join quota.users u on u.id = q.user_id
  where q.meter = p_meter and q.period_end > quota.now() and not q.superseded
$$;
comment on function quota.outdate_meter(text) is
  'Has the keys under the app''s own names brought up to date for everybody whose period of the meter runs.';
