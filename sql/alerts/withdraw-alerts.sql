create or replace function quota.withdraw_alerts(alerts uuid[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  free uuid[];
  withdrawn integer;
begin
  perform quota.refuse_other_users(array(
    select d.user_id from quota.alert_deliveries d where d.id = any (alerts)));
  -- Those that a writer holds are left for later: what it writes may make them true again.
  free := array(
    select d.id from quota.alert_deliveries d
    join quota.meters m on m.key = d.meter
    join quota.subscriptions s on s.user_id = d.user_id and s.service = m.service
    where d.id = any (alerts) order by s.user_id, s.service for no key update of s skip locked);
  with untrue as (
    update quota.alert_deliveries d set status = 'withdrawn', settled_at = quota.now()
    where d.id = any (free) and d.status in ('pending', 'failed')
      and quota.alert_payload(d.user_id, d.id) is null
    returning d.user_id, d.id
  ), ended as (
    update quota.usage_alerts a set ended_at = quota.now()
    from untrue t where a.user_id = t.user_id and a.id = t.id and a.ended_at is null
    returning a.user_id, a.meter, a.period_start
  ), looked_at_again as (
    -- A period that was given up may come back.
    update quota.usage_quotas q set alerted = null
    from ended e
    where q.user_id = e.user_id and q.meter = e.meter and q.period_start = e.period_start
  )
  select count(*) into withdrawn from untrue;
  return withdrawn;
end $$;
comment on function quota.withdraw_alerts(uuid[]) is
  'Withdraws alerts that wait to be told and are not so any more; returns how many.';
