create or replace function quota.was_erased(p_name text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from quota.erased_names e where e.digest = encode(sha256(convert_to(p_name, 'UTF8')), 'hex'))
$$;
comment on function quota.was_erased(text) is
  'Whether somebody of this name was erased: what an adopted product still tells of them is not taken over.';
