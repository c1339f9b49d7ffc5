create or replace function quota.lift_reset_limits(p_user uuid, p_meters text[]) returns text[]
language plpgsql
as $$
declare
  freed text[];
begin
  select array_agg(s.service order by s.service) into freed
  from quota.subscriptions s
  where s.user_id = p_user and s.limit_enforced_at is not null
    and exists (
      select from quota.current_quotas(p_user) c
      where c.service = s.service and c.on_exceeded = 'limit_assistants' and c.meter = any (p_meters))
    and not quota.must_be_limited(s.user_id, s.service);
  if freed is not null then
    perform quota.mark_limited(array_fill(p_user, array[cardinality(freed)]), freed, false);
  end if;
  return freed;
end $$;
comment on function quota.lift_reset_limits(uuid, text[]) is
  'After a reset of these meters: lifts the limits of their services, whatever they came from, unless one '
  'is still used up. The services that were freed; null: none.';
