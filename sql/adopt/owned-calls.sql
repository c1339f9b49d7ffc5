create or replace function quota.owned_calls(p_source integer, p_calls quota.adopted_call[])
returns table (call quota.adopted_call, user_id uuid, counted_by bigint, fault text)
language sql stable
as $$
  select c, coalesce(u.id, a.user_id), o.id,
    case
      when c.key is null then 'it has no key'
      when coalesce(u.id, a.user_id) is null
        then format('there is no user "%s"', quota.shown(coalesce(c.user_name, '')))
      when u.erased_at is not null then format('the user "%s" was erased', quota.shown(c.user_name))
      when c.started_at is null then 'it does not say when it started'
      when c.started_at > quota.now() + interval '1 day' then 'it starts in the future'
      when c.status is null or c.status not in ('active', 'completed', 'error')
        then format('the status "%s" is not mapped to active, completed or error',
          quota.shown(coalesce(c.status, '')))
      when l.key is not null then format('the same call is counted from row %s%s', l.key,
        case when l.source <> p_source then ' of another source' end)
    end
  from unnest(p_calls) c
  left join quota.users u on u.external_id = c.user_name
  left join quota.assistants a on c.user_name is null and a.provider_assistant_id = c.assistant_id
  left join quota.call_logs o on c.provider_call_id is not null and o.provider = c.provider
    and o.provider_call_id = c.provider_call_id
  left join quota.adopt_links l on l.call_log_id = o.id and (l.source, l.key) <> (p_source, c.key)
$$;
comment on function quota.owned_calls(integer, quota.adopted_call[]) is
  'Calls of an adopted product with their users; counted_by: the call log that has its id of the provider '
  'already; fault: why it cannot be taken.';
