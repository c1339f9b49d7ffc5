create or replace function quota.carry_originals(p_told jsonb, p_limitable text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  taken integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  with told as (
    select distinct on (a.id) a.id, a.user_id, t.original, n.names
    from jsonb_to_recordset(p_told) t(assistant text, original jsonb)
    join quota.assistants a on a.provider_assistant_id = t.assistant
    cross join lateral (
      select array_agg(distinct k) as names
      from unnest(p_limitable || array(select jsonb_object_keys(quota.limited_state(a.user_id)))) k) n
    where jsonb_typeof(t.original) = 'object'
    order by a.id
  ), given as (
    update quota.assistant_limits l
    -- A field that the app did not store was not set: null stands for it.
    set original = (select jsonb_object_agg(k, t.original -> k) from unnest(t.names) k),
      updated_at = quota.now()
    from told t
    where l.assistant_id = t.id and l.desired = 'limited' and l.original is null
    returning l.user_id, l.assistant_id, l.change, t.original, t.names
  )
  insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source)
  select g.user_id, g.assistant_id, g.change,
    coalesce((select jsonb_object_agg(k, g.original -> k) from unnest(g.names) k where g.original ? k), '{}'),
    array(select k from unnest(g.names) k where not g.original ? k), 'file'
  from given g;
  get diagnostics taken = row_count;
  return taken;
end $$;
comment on function quota.carry_originals(jsonb, text[]) is
  'Takes over what an adopted product has stored of assistants before it limited them, for those that are '
  'limited and whose original nobody knows; how many. p_limitable: the fields that a limit changes.';
