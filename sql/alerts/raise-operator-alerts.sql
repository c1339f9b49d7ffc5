create or replace function quota.raise_operator_alerts() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  raised integer;
begin
  perform quota.refuse_other_users(null);
  with added as (
    insert into quota.operator_alerts (day, service, kind, value, limit_value, calls)
    select d.day, d.service, d.kind, d.value, d.limit_value, d.calls from quota.operator_alerts_due() d
    on conflict do nothing
    returning *
  ), told as (
    select pg_notify('quota_alerts', jsonb_build_object('id', a.id, 'kind', a.kind, 'day', a.day,
      'service', nullif(a.service, ''), 'level', 'exceeded')::text)
    from added a
  )
  select count(*) into raised from told;
  return raised;
end $$;
comment on function quota.raise_operator_alerts() is
  'Raises one alert per day, service and kind where a limit of service_settings was gone beyond; how many.';
