create or replace function quota.refuse_unfit_person(
  p_email text, p_name text, p_signup_at timestamptz, p_timezone text)
returns void
language plpgsql stable
as $$
begin
  if p_email is not null and (char_length(p_email) > 255 or p_email !~ '^[^[:space:]@]+@[^[:space:]@]+$') then
    raise exception '"%" is not an email address', quota.shown(p_email) using errcode = 'QT003';
  end if;
  if p_name is not null then
    perform quota.refuse_unfit_name(p_name, 'the name of a user');
  end if;
  if p_signup_at > quota.now() + interval '5 minutes' then
    raise exception 'nobody signed up in the future: %', p_signup_at using errcode = 'QT004';
  elsif p_signup_at < timestamptz '1970-01-01Z' then
    raise exception 'nobody signed up before 1970: %', p_signup_at using errcode = 'QT004';
  end if;
  if p_timezone is not null and not quota.is_zone_name(p_timezone) then
    raise exception '"%" is not a time zone that the server knows', quota.shown(p_timezone)
      using errcode = 'QT003', hint = 'Write it like Europe/Berlin, or UTC.';
  end if;
end $$;
comment on function quota.refuse_unfit_person(text, text, timestamptz, text) is
  'Raises QT003 or QT004 on what cannot be the email, the name, the signup or the time zone of a user; null '
  'says nothing.';
