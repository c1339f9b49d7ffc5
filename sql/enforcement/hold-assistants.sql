create or replace function quota.hold_assistants(users uuid[]) returns void
language plpgsql
as $$
begin
  perform 1 from quota.assistant_limits l
  where l.user_id = any (users) order by l.assistant_id for no key update;
end $$;
comment on function quota.hold_assistants(uuid[]) is
  'Locks the provider work of users until the transaction ends: after their subscriptions, by assistant, in '
  'one go.';
