create or replace function quota.update_adopted(p_source integer, p_calls quota.adopted_call[])
returns integer
language plpgsql
as $$
declare
  changed integer;
begin
  perform quota.bury_row(p_source, (o.call).key, 'take', null, o.fault)
  from quota.owned_calls(p_source, p_calls) o where o.fault is not null;
  if quota.sees_one_moment() then
    perform from unnest(p_calls) c
    join quota.adopt_links l on l.source = p_source and l.key = c.key
    join quota.call_logs g on g.id = l.call_log_id
    order by g.id for no key update of g;
  end if;
  update quota.call_logs c
  set user_id = o.user_id, service = o.service, assistant_id = o.assistant_id, model = o.model,
    status = o.status, started_at = o.started_at, ended_at = o.ended_at,
    duration_seconds = o.duration_seconds, messages = o.messages, words_spoken = o.words_spoken,
    file_size_bytes = o.file_size_bytes, cost = o.cost, error_message = o.error_message,
    quantities = o.quantities, provider = o.provider, provider_call_id = o.provider_call_id
  from (
    select w.user_id, (w.call).* from quota.owned_calls(p_source, p_calls) w where w.fault is null
  ) o
  join quota.adopt_links l on l.source = p_source and l.key = o.key
  -- Who knows better than the app wins: a bill, an operator.
  where c.id = l.call_log_id and coalesce(c.settled_by, '') not in ('bill', 'operator')
    and (c.user_id, c.service, c.assistant_id, c.model, c.status, c.started_at, c.ended_at,
        c.duration_seconds, c.messages, c.words_spoken, c.file_size_bytes, c.cost, c.error_message,
        c.quantities, c.provider, c.provider_call_id)
      is distinct from (o.user_id, o.service, o.assistant_id, o.model, o.status, o.started_at, o.ended_at,
        round(o.duration_seconds, 3), o.messages, o.words_spoken, o.file_size_bytes, o.cost,
        o.error_message, o.quantities, o.provider, o.provider_call_id);
  get diagnostics changed = row_count;
  return changed;
end $$;
comment on function quota.update_adopted(integer, quota.adopted_call[]) is
  'Brings the call logs of linked rows to what the rows say; how many differed. The caller holds the '
  'subscriptions.';
