create or replace function quota.acknowledge_operator_alert(p_alert uuid, p_reason text default null)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  taken quota.operator_alerts;
begin
  perform quota.refuse_other_users(null);
  update quota.operator_alerts a set acknowledged_at = quota.now()
  where a.id = p_alert and a.acknowledged_at is null
  returning * into taken;
  if taken.id is null then
    return false;
  end if;
  insert into quota.audit_log (action, service, subject, reason, before, after)
  values ('alert.acknowledged', nullif(taken.service, ''), p_alert::text, p_reason,
    jsonb_build_object('acknowledgedAt', null),
    jsonb_build_object('acknowledgedAt', taken.acknowledged_at, 'kind', taken.kind, 'day', taken.day));
  return true;
end $$;
comment on function quota.acknowledge_operator_alert(uuid, text) is
  'Marks an alert of the operator as seen, once; false: it was, or is not there.';
