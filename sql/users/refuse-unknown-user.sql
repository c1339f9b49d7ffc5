create or replace function quota.refuse_unknown_user(p_user text) returns void
language plpgsql
as $$
begin
  perform quota.refuse_moved(p_user);
  raise exception 'unknown user "%"', quota.shown(p_user)
    using errcode = 'QT001', hint = 'Give the external id or the id of a user.';
end $$;
comment on function quota.refuse_unknown_user(text) is
  'Raises QT001; QT009 for somebody who is in another shard.';
