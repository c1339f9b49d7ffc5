create or replace function quota.reached(warn_at integer[], percent numeric) returns integer[]
language sql immutable parallel safe
as $$ select array(select distinct w from unnest(warn_at) w where w <= percent order by w) $$;
comment on function quota.reached(integer[], numeric) is
  'The thresholds that this percentage has reached, the lowest first.';

create or replace function quota.reached_by(q quota.usage_quotas) returns integer[]
language sql immutable parallel safe
as $$
  select quota.reached(
    q.warn_at, quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit))
$$;
comment on function quota.reached_by(quota.usage_quotas) is
  'The thresholds that a quota as it stands has reached.';

create or replace function quota.highest_reached(q quota.usage_quotas) returns integer
language plpgsql immutable parallel safe
as $$
declare
  percent numeric := quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit);
  highest integer := 0;
  threshold integer;
begin
  -- Asked for each quota that usage or a reset touches: without a query it costs a twentieth.
  foreach threshold in array coalesce(q.warn_at, '{}') loop
    if threshold <= percent and threshold > highest then
      highest := threshold;
    end if;
  end loop;
  return highest;
end $$;
comment on function quota.highest_reached(quota.usage_quotas) is
  'The highest threshold that a quota has reached; 0: none.';
