create or replace function quota.give_original(
  p_assistant uuid, p_desired text, p_fields jsonb, p_absent text[], p_made jsonb, p_source text,
  p_exact boolean, p_reason text)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  given quota.assistant_limits;
  -- A field that was not set is known by its name: null stands for it.
  whole jsonb := coalesce((select jsonb_object_agg(f, null) from unnest(p_absent) f), '{}') || p_fields;
  made_of jsonb := case when p_made is null then '[]' else jsonb_build_array(p_made) end;
begin
  perform quota.refuse_other_users(array(
    select a.user_id from quota.assistants a where a.id = p_assistant));
  insert into quota.assistant_limits as l
    (assistant_id, user_id, desired, status, next_attempt_at, original, made, exact_change)
  select a.id, a.user_id, p_desired, 'pending', quota.now(), whole, made_of, case when p_exact then 1 end
  from quota.assistants a where a.id = p_assistant
  on conflict (assistant_id) do update
  set desired = p_desired, status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
    next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now(), original = whole,
    made = l.made || made_of, exact_change = case when p_exact then l.change + 1 end
  returning * into given;
  insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source)
  values (given.user_id, p_assistant, given.change, p_fields, p_absent, p_source);
  with audited as (
    insert into quota.audit_log (action, user_id, subject, reason, after)
    select 'assistant.original_given', a.user_id, a.provider_assistant_id, p_reason,
      jsonb_build_object(
        'source', p_source, 'fields', array(select jsonb_object_keys(p_fields)), 'absent', p_absent)
    from quota.assistants a where a.id = p_assistant
    returning id, user_id
  )
  insert into quota.audit_personal (user_id, audit_id, after) select user_id, id, p_fields from audited;
end $$;
comment on function quota.give_original(uuid, text, jsonb, text[], jsonb, text, boolean, text) is
  'Queues the restore of an assistant, or its limit, with an original that did not come from a look at it '
  'before the limit. p_made: what it has instead, the limit of another application. Exact: restored whatever '
  'is found.';
