create or replace function quota.retake_plan_terms(p_plans text[], recount boolean) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
begin
  select array_agg(distinct s.user_id order by s.user_id) into users from quota.subscriptions s
  where s.plan = any (p_plans);
  if users is null then
    return 0;
  end if;
  if recount then
    perform quota.hold_subscriptions(users);
    -- A reset that is due stays due: it has periods to close.
    update quota.subscriptions s
    set next_reset_at = quota.next_reset(s.plan, s.anchor_local, s.timezone, quota.now())
    where s.plan = any (p_plans) and (s.next_reset_at is null or s.next_reset_at > quota.now());
    perform quota.refresh_quotas(users);
  end if;
  perform quota.retake_terms(users);
  return cardinality(users);
end $$;
comment on function quota.retake_plan_terms(text[], boolean) is
  'Running periods of all subscribers take the terms that plans have now; recount: their calls are assigned '
  'to periods and priced anew. Returns the number of users.';
