create or replace function quota.erase_moved(p_user uuid, p_pattern text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.erase_mentions(p_pattern);
  perform quota.erase_mentions(quota.naming_pattern(p_user));
  perform quota.erase_reasons(p_user);
  insert into quota.erased_names (digest)
  select m.digest from quota.moved_users m where m.user_id = p_user
  on conflict do nothing;
  delete from quota.audit_personal p where p.user_id = p_user;
  delete from quota.arriving_users a where a.user_id = p_user;
end $$;
comment on function quota.erase_moved(uuid, text) is
  'Takes out of a shard what it still has of a person who is in another one: what lies beside the history, '
  'reasons, and text with words of a pattern.';
