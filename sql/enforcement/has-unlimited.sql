create or replace function quota.is_unlimited(a quota.assistants, l quota.assistant_limits) returns boolean
language sql immutable parallel safe
as $$
  select a.state = 'active' and not a.is_gated and a.held is distinct from 'original'
    and (l.assistant_id is null or l.desired <> 'limited' or l.status = 'gone')
$$;
comment on function quota.is_unlimited(quota.assistants, quota.assistant_limits) is
  'Whether an assistant, with what is recorded of its limit if anything is, is neither limited nor queued to '
  'be, and should be where its user is. Inlined.';

create or replace function quota.has_unlimited(p_user uuid) returns boolean
language sql stable
as $$
  select exists (
    select 1 from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
    where a.user_id = p_user and quota.is_unlimited(a, l))
$$;
comment on function quota.has_unlimited(uuid) is
  'Whether an assistant of a user is neither limited nor queued to be.';
