create or replace function quota.update_person(
  p_user uuid, p_email text, p_name text, p_signup_at timestamptz, p_timezone text)
returns boolean
language plpgsql
as $$
declare
  former quota.users;
  audit bigint;
begin
  perform quota.hold_subscriptions(array[p_user]);
  select * into former from quota.users u where u.id = p_user for no key update;
  if coalesce(p_email, former.email) is not distinct from former.email
    and coalesce(p_name, former.name) is not distinct from former.name
    and coalesce(p_signup_at, former.created_at) = former.created_at
    and coalesce(p_timezone, former.timezone) = former.timezone
  then
    return false;
  end if;
  if p_timezone <> former.timezone then
    perform quota.change_zones(array[p_user], array[p_timezone]);
  end if;
  if p_signup_at <> former.created_at then
    perform quota.move_signup(p_user, p_signup_at);
  end if;
  update quota.users u set email = coalesce(p_email, u.email), name = coalesce(p_name, u.name)
  where u.id = p_user
    and (coalesce(p_email, u.email), coalesce(p_name, u.name)) is distinct from (u.email, u.name);
  insert into quota.audit_log (action, user_id, before, after)
  values ('user.update', p_user,
    jsonb_build_object('signupAt', former.created_at, 'timezone', former.timezone),
    jsonb_build_object('signupAt', coalesce(p_signup_at, former.created_at), 'timezone',
      coalesce(p_timezone, former.timezone)))
  returning id into audit;
  insert into quota.audit_personal (user_id, audit_id, before, after)
  values (p_user, audit,
    jsonb_build_object('email', former.email, 'name', former.name),
    jsonb_build_object('email', coalesce(p_email, former.email), 'name', coalesce(p_name, former.name)));
  return true;
end $$;
comment on function quota.update_person(uuid, text, text, timestamptz, text) is
  'Changes what is known of a user, with its audit row; null leaves it. False: it is so already.';
