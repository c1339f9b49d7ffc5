create or replace function quota.refuse_caller(p_speaks_for text) returns void
language plpgsql stable
as $$
declare
  acting name := coalesce(nullif(current_setting('role'), 'none'), session_user);
begin
  if p_speaks_for = 'user' then
    raise exception 'this connection speaks for another user' using errcode = 'QT006';
  elsif p_speaks_for = 'anonymous' then
    raise exception 'nobody is signed in: the claim that names the user is missing' using errcode = 'QT006';
  end if;
  raise exception 'the role "%" speaks for nobody in this database', acting
    using errcode = 'QT006', hint = format(
      'Register it: quota login allow %1$s (the whole app), quota login bind %1$s --user USER, or quota '
      'login bind %1$s --claim sub.', acting);
end $$;
comment on function quota.refuse_caller(text) is
  'Raises QT006 with what is wrong: another user, nobody signed in, or a role that is not registered.';
