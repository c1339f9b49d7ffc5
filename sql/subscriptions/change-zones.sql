create or replace function quota.change_zones(users uuid[], zones text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(users);
  perform quota.hold_subscriptions(users);
  -- Subscriptions that are in the user's zone follow it. Their anchor stays the signup; one of a zone that
  -- the server does
  -- not know any more becomes the signup, for there is nothing to reckon from.
  update quota.subscriptions s
  set timezone = c.zone,
    anchor_local = case
      when not quota.is_known_zone(u.timezone) or s.anchor_local = u.created_at at time zone u.timezone
        then u.created_at at time zone c.zone
      else s.anchor_local end
  from unnest(users, zones) c(user_id, zone)
  join quota.users u on u.id = c.user_id, quota.plans p
  where s.user_id = c.user_id and p.key = s.plan and p.timezone is null and s.timezone = u.timezone
    and u.timezone <> c.zone;
  update quota.users u set timezone = c.zone
  from unnest(users, zones) c(user_id, zone) where u.id = c.user_id and u.timezone <> c.zone;
end $$;
comment on function quota.change_zones(uuid[], text[]) is
  'Gives users another time zone, and the subscriptions that followed their zone so far. What time is '
  'cut anew counts anew; no allowance is given twice (carry_usage).';
