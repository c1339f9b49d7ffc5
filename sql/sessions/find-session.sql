create or replace function quota.find_session(p_user uuid, p_key text, p_provider text) returns bigint
language sql stable
as $$
  -- The likeliest place first; each costs only when the one before has nothing.
  select coalesce(
    (select l.id
      from quota.concurrent_processing c join quota.call_logs l on l.id = c.call_log_id
      where c.user_id = p_user and l.provider_call_id = p_key
        and l.provider = coalesce(p_provider, l.provider)
      order by l.id desc limit 1),
    (select l.id from quota.call_logs l
      where l.provider = any (case when p_provider is not null then array[p_provider]
          else array(select distinct m.service from quota.meters m) end)
        and l.provider_call_id = p_key and l.user_id = p_user
      order by l.started_at desc limit 1),
    (select l.id from quota.call_logs l
      where p_provider is null and l.user_id = p_user and l.provider_call_id = p_key
      order by l.started_at desc limit 1),
    (select l.id from quota.call_logs l
      where l.id = case when p_key ~ '^[0-9]{1,18}$' then p_key::bigint end and l.user_id = p_user))
$$;
comment on function quota.find_session(uuid, text, text) is
  'The call of a user by the app''s key (of any provider where none is named), or by our number; null: there '
  'is none.';
