create or replace function quota.refuse_moved_users() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from quota.moved_users) or exists (select from quota.arriving_users) then
    perform quota.refuse_moved(n.external_id), quota.refuse_moved(n.id::text) from new_rows n;
  end if;
  return null;
end $$;
comment on function quota.refuse_moved_users() is
  'Nobody is made anew, by whatever way, who is in another shard.';

create or replace trigger users_not_moved after insert on quota.users
  referencing new table as new_rows
  for each statement execute function quota.refuse_moved_users();
