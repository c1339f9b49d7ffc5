create or replace function quota.keep_erased() returns trigger
language plpgsql
as $$
begin
  new.external_id := 'erased-' || new.id;
  new.email := null;
  new.name := null;
  new.erased_at := old.erased_at;
  return new;
end $$;

-- By hand, by an import or by an app: an erased user stays one that nobody knows.
create or replace trigger users_erased before update of external_id, email, name, erased_at on quota.users
  for each row when (old.erased_at is not null) execute function quota.keep_erased();
