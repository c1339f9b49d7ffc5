create or replace function quota.settle_late(deltas quota.usage_delta[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  select array_agg(l.user_id), array_agg(l.service) into users, services
  from (
    select distinct d.user_id, m.service
    from (
      -- Few have any: nothing else is looked up for the others.
      select * from unnest(deltas) d
      where exists (select from quota.grants g where g.user_id = d.user_id and g.meter = d.meter)
      offset 0
    ) d
    join quota.grants g on g.user_id = d.user_id and g.meter = d.meter
    join quota.meters m on m.key = d.meter
    join quota.usage_quotas q on q.user_id = d.user_id and q.meter = d.meter
      and q.period_start = d.period_start
      and (q.period_end <= quota.now()
        or least(g.expires_at, g.revoked_at) between q.period_start and quota.now())
  ) l;
  if users is not null then
    perform quota.settle_grants(users, services);
  end if;
  -- Calls from before a manual reset of their period.
  select array_agg(l.user_id), array_agg(l.service) into users, services
  from (
    select distinct d.user_id, m.service
    from unnest(deltas) d
    join quota.meters m on m.key = d.meter
    where d.adjusted = 0 and exists (
      select from quota.adjustments a
      where a.user_id = d.user_id and a.meter = d.meter and a.period_start = d.period_start
        and a.kind = 'reset')
  ) l;
  if users is not null then
    perform quota.keep_resets(users, services);
  end if;
end $$;
comment on function quota.settle_late(quota.usage_delta[]) is
  'After usage that is told late: what grants cover of periods that are over is gone from the running '
  'ones, a grant that has ended covers what was used before its end, and what belongs to before a manual '
  'reset is taken off.';
