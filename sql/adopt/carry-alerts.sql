create or replace function quota.carry_alerts(p_meter text, p_told jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  marked integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  update quota.usage_alerts a set acknowledged_at = t.read_at
  from jsonb_to_recordset(p_told) t("user" text, threshold integer, read_at timestamptz, at timestamptz)
  join quota.users u on u.external_id = t."user"
  join quota.usage_quotas q on q.user_id = u.id and q.meter = p_meter and not q.superseded
    and quota.contains(q, coalesce(t.at, quota.now()))
  where t.read_at is not null and a.user_id = q.user_id and a.meter = q.meter
    and a.period_start = q.period_start and a.threshold = t.threshold and a.acknowledged_at is null;
  get diagnostics marked = row_count;
  return marked;
end $$;
comment on function quota.carry_alerts(text, jsonb) is
  'Marks alerts as seen that users of an adopted product have read there; how many.';
