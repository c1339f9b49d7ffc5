create or replace function quota.role_standing(
  p_role name, out standing text, out user_id uuid, out claim text)
language plpgsql stable
as $$
declare
  role_id oid := quote_ident(p_role)::regrole;
  matches integer;
  is_exact boolean;
begin
  if pg_has_role(role_id, (select n.nspowner from pg_namespace n where n.nspname = 'quota'), 'usage') then
    standing := 'owner';
    return;
  end if;
  select count(*), bool_and(l.role_oid = role_id and l.role_name = p_role), min(l.speaks_for),
    min(l.user_id::text)::uuid, min(l.claim)
  into matches, is_exact, standing, user_id, claim
  from quota.logins l where l.role_oid = role_id or l.role_name = p_role;
  if matches > 0 and is_exact is not true then
    -- A role that was renamed, or made anew under a name that somebody else had: it is not who was meant.
    standing := 'mistaken';
    user_id := null;
    claim := null;
  elsif matches = 0 then
    standing := case
      when pg_has_role(role_id, to_regrole('quota_operator'), 'usage') then 'staff'
      when pg_has_role(role_id, to_regrole('quota_app'), 'member') then 'unregistered'
      when pg_has_role(role_id, to_regrole('quota_finance'), 'usage')
        or pg_has_role(role_id, to_regrole('quota_readonly'), 'usage') then 'staff'
      else 'unregistered'
    end;
  end if;
end $$;
comment on function quota.role_standing(name) is
  'What a role is here: owner (of the schema, or a superuser), staff (operators, finance, readers), app, '
  'user or claim as registered in quota.logins, unregistered, or mistaken: registered under another name '
  'or oid.';
