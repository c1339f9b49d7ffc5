create type quota.usage_delta as (
  user_id uuid, meter text, period_start timestamptz, used numeric, adjusted numeric, cost numeric,
  calls integer);

create or replace function quota.apply_usage(
  deltas quota.usage_delta[], opened quota.opened_periods default null)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
begin
  with applied as (
    update quota.usage_quotas q
    set used = q.used + d.used, adjusted = q.adjusted + d.adjusted, cost = q.cost + d.cost,
      calls = q.calls + d.calls
    from (
      select user_id, meter, period_start, sum(used) as used, sum(adjusted) as adjusted, sum(cost) as cost,
        sum(calls) as calls
      from unnest(deltas)
      group by user_id, meter, period_start
      -- An update of a call that changes nothing that is counted leaves its quotas alone.
      having sum(used) <> 0 or sum(adjusted) <> 0 or sum(cost) <> 0 or sum(calls) <> 0
    ) d
    where q.user_id = d.user_id and q.meter = d.meter and q.period_start = d.period_start
    returning q.*
  )
  select array_agg(a::quota.usage_quotas) into crossed
  from applied a where quota.marks_differ(a::quota.usage_quotas);
  crossed := crossed || opened.crossed;
  if crossed is not null then
    perform quota.settle_crossed(crossed);
  end if;
  perform quota.settle_late(deltas || array(
    select (o.user_id, o.meter, o.period_start, 0, 0, 0, 0)::quota.usage_delta from unnest(opened.quotas) o));
end $$;
comment on function quota.apply_usage(quota.usage_delta[], quota.opened_periods) is
  'Adds usage to quotas, the sum of the deltas of each, and enforces what they, and what periods that were '
  'opened hold already, cross. The caller holds the subscriptions.';
