create or replace function quota.leased_session(p_user uuid, p_service text, p_key text) returns bigint
language sql stable
as $$
  select l.id
  from quota.concurrent_processing c join quota.call_logs l on l.id = c.call_log_id
  where c.user_id = p_user and c.service = p_service
    and (l.provider_call_id = p_key or l.id::text = p_key)
  order by l.provider_call_id = p_key desc, l.id desc
  limit 1
$$;
comment on function quota.leased_session(uuid, text, text) is
  'The running session of a user by the app''s key, or by ours; null: there is none.';
