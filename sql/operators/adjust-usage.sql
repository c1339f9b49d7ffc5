create or replace function quota.adjust_usage(
  p_user uuid, p_meter text, p_kind text, p_quantity numeric, p_cost numeric, p_reason text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  counted_by text := (select m.service from quota.meters m where m.key = p_meter);
  used_before numeric;
  cost_before numeric;
  audit bigint;
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.open_running(array[p_user], array[counted_by]);
  select c.used, c.cost into used_before, cost_before
  from quota.current_quotas(p_user) c where c.meter = p_meter;
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
  select c.user_id, c.meter, c.period_start, p_kind, p_quantity, p_cost, p_reason
  from quota.current_quotas(p_user) c where c.meter = p_meter;
  if p_quantity < 0 or p_cost < 0 then
    perform quota.lift_spent_limits(array[p_user], array[counted_by]);
  end if;
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
  values ('usage.adjusted', p_user, counted_by, p_meter, p_reason,
    jsonb_build_object('used', used_before::text, 'cost', cost_before::text),
    jsonb_build_object('used', (used_before + p_quantity)::text, 'cost', (cost_before + p_cost)::text,
      'kind', p_kind))
  returning id into audit;
  return audit;
end $$;
comment on function quota.adjust_usage(uuid, text, text, numeric, numeric, text) is
  'Corrects what a user has used of a meter in the running period by a signed entry, and limits or frees the '
  'user accordingly. Kind: correction, or undone of a reset that is taken back. The id of its audit row.';
