create or replace function quota.settle_reset(
  claimed quota.subscriptions[], freed_users uuid[], are_kept boolean)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  granted_users uuid[];
  granted_services text[];
  kept quota.usage_quotas[];
  queued integer := 0;
begin
  select array_agg(d.user_id), array_agg(d.service) into granted_users, granted_services
  from unnest(claimed) d
  where exists (
    select 1 from quota.grants g join quota.meters m on m.key = g.meter
    where g.user_id = d.user_id and m.service = d.service);
  if freed_users is not null then
    if are_kept or granted_users is not null then
      perform quota.hold_assistants(array(select d.user_id from unnest(claimed) d));
    end if;
    queued := quota.queue_assistants(freed_users, 'original');
  end if;
  if granted_users is not null then
    perform quota.settle_grants(granted_users, granted_services);
  end if;
  -- Usage of a period counts from the first call, also before its reset and even before its start. What has
  -- crossed a threshold by now is dealt with now that the period runs.
  if are_kept then
    select array_agg(q::quota.usage_quotas) into kept
    from unnest(claimed) d
    join quota.meters m on m.service = d.service
    join quota.usage_quotas q on q.user_id = d.user_id and q.meter = m.key
    where quota.contains(q, quota.now()) and quota.needs_enforcement(q::quota.usage_quotas);
    if kept is not null then
      perform quota.enforce(kept);
    end if;
  end if;
  return queued;
end $$;
comment on function quota.settle_reset(quota.subscriptions[], uuid[], boolean) is
  'Queues the restore of assistants, books grants and enforces what running periods have used already; '
  'returns how many assistants were queued. For reset_due.';
