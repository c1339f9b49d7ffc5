create or replace function quota.change_zones(users uuid[], zones text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(users);
  perform quota.hold_subscriptions(users);
  -- Subscriptions that are in the user's zone follow it, and those in one that the server does not know any
  -- more. Their anchor stays the signup; that of an unknown zone becomes it: there is nothing to reckon from.
  update quota.subscriptions s
  set timezone = c.zone,
    anchor_local = case
      when not quota.is_known_zone(s.timezone) or s.anchor_local = u.created_at at time zone u.timezone
        then u.created_at at time zone c.zone
      else s.anchor_local end
  from unnest(users, zones) c(user_id, zone)
  join quota.users u on u.id = c.user_id, quota.plans p
  where s.user_id = c.user_id and p.key = s.plan and p.timezone is null and s.timezone <> c.zone
    and (s.timezone = u.timezone or not quota.is_known_zone(s.timezone));
  update quota.users u set timezone = c.zone
  from unnest(users, zones) c(user_id, zone) where u.id = c.user_id and u.timezone <> c.zone;
end $$;
comment on function quota.change_zones(uuid[], text[]) is
  'Gives users another time zone, and the subscriptions that followed their zone so far. What time is '
  'cut anew counts anew; no allowance is given twice (carry_usage).';
