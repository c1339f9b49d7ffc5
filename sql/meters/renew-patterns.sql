create or replace function quota.renew_patterns() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  days date[];
begin
  perform quota.refuse_other_users(null);
  if not exists (
    select from quota.meter_terms m where m.patterns is distinct from quota.like_patterns(m.models))
  then
    return 0;
  end if;
  select array_agg(distinct c.user_id), array_agg(distinct quota.day_of(c.started_at)) into users, days
  from quota.meter_terms m
  join quota.call_logs c on c.service = m.service
  where m.patterns is distinct from quota.like_patterns(m.models)
    and exists (select from quota.usage_quotas q where q.meter = m.key)
    and quota.counts_model(m.models, quota.like_patterns(m.models), c.model)
    -- What was written alike counted already.
    and c.model <> all (m.models) and (c.model, m.models::text) <> (lower(c.model), lower(m.models::text));
  update quota.former_meters f set patterns = quota.like_patterns(f.models)
  where f.patterns is distinct from quota.like_patterns(f.models);
  -- Its trigger makes them.
  update quota.meters m set models = m.models where m.patterns is distinct from quota.like_patterns(m.models);
  if users is null then
    return 0;
  end if;
  perform quota.refresh_quotas(users, null, false);
  insert into quota.analytics_changes (day)
  select d.day from unnest(days) d(day) join quota.analytics_days a on a.day = d.day
  on conflict do nothing;
  return cardinality(users);
end $$;
comment on function quota.renew_patterns() is
  'Makes the patterns of meters that a migration took away, for models are matched in another way since, '
  'and counts the calls that only now belong to them, as if they were told now. Returns how many users have '
  'some.';
