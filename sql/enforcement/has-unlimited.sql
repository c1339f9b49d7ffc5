create or replace function quota.has_unlimited(p_user uuid) returns boolean
language sql stable
as $$
  select exists (
    select 1 from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
    where a.user_id = p_user and a.state = 'active' and not a.is_gated
      and a.held is distinct from 'original'
      and (l.assistant_id is null or l.desired <> 'limited' or l.status = 'gone'))
$$;
comment on function quota.has_unlimited(uuid) is
  'Whether an assistant of a user is neither limited nor queued to be.';
