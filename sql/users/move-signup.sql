create or replace function quota.move_signup(p_user uuid, p_signup_at timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.hold_subscriptions(array[p_user]);
  -- Subscriptions that are reckoned from the signup follow it; their trigger carries what is used.
  update quota.subscriptions s
  set anchor_local = p_signup_at at time zone s.timezone
  from quota.users u
  where u.id = p_user and s.user_id = u.id and quota.is_known_zone(s.timezone)
    and s.anchor_local = u.created_at at time zone s.timezone;
  update quota.users u set created_at = p_signup_at where u.id = p_user;
end $$;
comment on function quota.move_signup(uuid, timestamptz) is
  'Gives a user another signup, and the periods that are reckoned from it. What was used in the running '
  'period stays used (carry_usage).';
