create or replace function quota.set_service(
  p_service text, p_max_daily_cost numeric, p_max_error_percent numeric, p_keep_details_days integer,
  p_reason text default null)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  before jsonb;
  after jsonb := jsonb_strip_nulls(jsonb_build_object('maxDailyCost', p_max_daily_cost::text,
    'maxErrorPercent', p_max_error_percent::text, 'keepDetailsDays', p_keep_details_days));
  audit_id bigint;
begin
  perform quota.refuse_other_users(null);
  perform quota.refuse_unknown_service(nullif(p_service, ''));
  select jsonb_strip_nulls(jsonb_build_object('maxDailyCost', s.max_daily_cost::text,
    'maxErrorPercent', s.max_error_percent::text, 'keepDetailsDays', s.keep_details_days)) into before
  from quota.service_settings s where s.service = p_service for update;
  insert into quota.service_settings as s (service, max_daily_cost, max_error_percent, keep_details_days)
  values (p_service, p_max_daily_cost, p_max_error_percent, p_keep_details_days)
  on conflict (service) do update set max_daily_cost = excluded.max_daily_cost,
    max_error_percent = excluded.max_error_percent, keep_details_days = excluded.keep_details_days,
    changed_at = quota.now(), changed_by = quota.actor();
  insert into quota.audit_log (action, service, subject, reason, before, after)
  values ('service.changed', nullif(p_service, ''), case when p_service = '' then 'all' else p_service end,
    p_reason, coalesce(before, '{}'), after)
  returning id into audit_id;
  return audit_id;
end $$;
comment on function quota.set_service(text, numeric, numeric, integer, text) is
  'Says of a service ('''': of all together) what the operator is told of and how long details are kept, '
  'audited; null: nothing. Returns the id of the audit row.';
