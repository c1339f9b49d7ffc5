create or replace function quota.look_again(quotas quota.usage_quotas[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update quota.usage_quotas q set alerted = null
  from unnest(quotas) c
  where q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
    and q.alerted is not null
$$;
comment on function quota.look_again(quota.usage_quotas[]) is
  'Notes that quotas are to be looked at: what crossed a threshold while their period did not run, which '
  'limits nobody (R9), is seen by whoever lists what has reached something.';

create or replace function quota.settle_crossed(crossed quota.usage_quotas[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  running quota.usage_quotas[];
  others quota.usage_quotas[];
begin
  select array_agg(c) filter (where n.is_running), array_agg(c) filter (where not n.is_running)
  into running, others
  from unnest(crossed) c
  cross join lateral quota.needs_enforcement(c) n(is_running);
  if running is not null then
    perform quota.enforce(running);
  end if;
  if others is not null then
    perform quota.look_again(others);
  end if;
end $$;
comment on function quota.settle_crossed(quota.usage_quotas[]) is
  'Settles quotas, given as they stand, whose marks differ from what they come to: those of the running '
  'period are enforced, the others noted. Whoever writes what a quota comes to calls it, so that what has '
  'reached something is found by its marks, whatever the clock says that somebody looks by.';
