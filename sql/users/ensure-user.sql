create or replace function quota.ensure_user(
  p_user text, p_email text default null, p_name text default null, p_signup_at timestamptz default null,
  p_timezone text default null, out user_id uuid, out external_id text, out created boolean,
  out changed boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_unfit_name(p_user);
  perform quota.refuse_unfit_person(p_email, p_name, p_signup_at, p_timezone);
  user_id := quota.find_user(p_user);
  if user_id is null then
    perform quota.refuse_other_name(p_user);
  else
    perform quota.refuse_other_user(user_id);
  end if;
  if (p_signup_at is not null or p_timezone is not null) and (quota.caller()).speaks_for <> 'all' then
    raise exception 'signup and time zone, which cut the periods, are told by the app, not by a user'
      using errcode = 'QT006';
  end if;
  changed := false;
  if user_id is null then
    user_id := quota.add_user(p_user, p_signup_at, p_timezone);
    created := user_id is not null;
  end if;
  if user_id is null then
    user_id := quota.resolve_user(p_user);
  end if;
  created := coalesce(created, false);
  if exists (select from quota.users u where u.id = user_id and u.erased_at is not null) then
    raise exception 'the user "%" was erased: nothing about the person is taken any more', quota.shown(p_user)
      using errcode = 'QT001';
  end if;
  if created then
    update quota.users u set email = p_email, name = p_name
    where u.id = user_id and (p_email is not null or p_name is not null);
  else
    changed := quota.update_person(user_id, p_email, p_name, p_signup_at, p_timezone);
  end if;
  select u.external_id into external_id from quota.users u where u.id = user_id;
end $$;
comment on function quota.ensure_user(text, text, text, timestamptz, text) is
  'Makes a user, or brings what is known of one up to date; what is null stays. A signup or a zone that '
  'changes cuts the periods anew, and gives no allowance twice.';
