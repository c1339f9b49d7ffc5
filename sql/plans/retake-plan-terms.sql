create or replace function quota.retake_plan_terms(
  p_plans text[], recount boolean, p_after uuid default null, p_users integer default null,
  out users integer, out last_user uuid)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  subscribers uuid[] := array(
    select distinct s.user_id from quota.subscriptions s
    where s.plan = any (p_plans) and s.user_id is distinct from p_after
      and s.user_id >= coalesce(p_after, '00000000-0000-0000-0000-000000000000')
    order by s.user_id limit p_users);
begin
  users := cardinality(subscribers);
  if users = 0 then
    return;
  end if;
  last_user := subscribers[users];
  if recount then
    perform quota.hold_subscriptions(subscribers);
    -- A reset that is due stays due: it has periods to close.
    update quota.subscriptions s
    set next_reset_at = quota.next_reset(s.plan, s.anchor_local, s.timezone, quota.now())
    where s.user_id = any (subscribers) and s.plan = any (p_plans)
      and (s.next_reset_at is null or s.next_reset_at > quota.now());
    perform quota.refresh_quotas(subscribers);
  end if;
  perform quota.retake_terms(subscribers);
end $$;
comment on function quota.retake_plan_terms(text[], boolean, uuid, integer) is
  'Running periods of subscribers take the terms that plans have now: of all, or of so many users after one; '
  'recount: their calls are assigned to periods and priced anew. Answers how many users there were, none: it '
  'is done, and the last of them.';
