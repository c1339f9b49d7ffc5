create or replace function quota.refuse_moved(p_user text) returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  name_digest text := encode(sha256(convert_to(p_user, 'UTF8')), 'hex');
  own_id uuid := case when p_user ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then p_user::uuid end;
  elsewhere text;
begin
  select m.shard into elsewhere from quota.moved_users m
  where m.digest = name_digest or m.user_id = own_id;
  if found then
    raise exception 'the user "%" is in another shard', quota.shown(p_user)
      using errcode = 'QT009', detail = format('Moved to the shard %s.', elsewhere),
        hint = 'Connect to that shard: quota shards where tells which it is.';
  end if;
  select a.shard into elsewhere from quota.arriving_users a
  where a.digest = name_digest or a.user_id = own_id;
  if found then
    raise exception 'the user "%" is on the way here', quota.shown(p_user)
      using errcode = 'QT009', detail = format('From the shard %s.', elsewhere),
        hint = 'Try again in a moment; a move that was broken off is finished by quota shards move.';
  end if;
end $$;
comment on function quota.refuse_moved(text) is
  'Raises QT009 for the external id or the id of somebody who went to another shard, or is coming from one. '
  'Only asked where nobody here has that name.';
