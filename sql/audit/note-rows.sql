create or replace function quota.note_rows(
  on_table text, what text, arguments text[], old_rows jsonb[], new_rows jsonb[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  -- The arguments of a trigger are counted from 0.
  keys text[] := string_to_array(arguments[0], ' ');
  personal text[] := string_to_array(arguments[2], ' ');
  counting text[] := string_to_array(arguments[3], ' ');
  -- A call that runs is ended and kept up to date by the app, which may well be the owner.
  leaves_running boolean := coalesce(arguments[4] = 'running', false)
    and has_schema_privilege(session_user, 'quota', 'create with grant option');
begin
  insert into quota.audit_log (action, user_id, service, subject, before, after)
  select on_table || '.' || what, (coalesce(n.line, o.line)->>arguments[1])::uuid,
    coalesce(n.line, o.line)->>'service', array_to_string(k.key, ' '),
    (select jsonb_object_agg(e.key, e.value) from jsonb_each(o.line) e
      where e.value is distinct from n.line->e.key and e.key <> all (personal)),
    (select jsonb_object_agg(e.key, case when e.key = any (personal) then '"(personal)"' else e.value end)
      from jsonb_each(n.line) e where e.value is distinct from o.line->e.key)
  from (select r as line, array(select r->>c from unnest(keys) c) as key from unnest(old_rows) r) o
  full join (select r as line, array(select r->>c from unnest(keys) c) as key from unnest(new_rows) r) n
    on n.key = o.key
  cross join lateral (select coalesce(n.key, o.key)) k(key)
  where case when counting = '{}' then o.line is distinct from n.line
    else exists (
      select from unnest(counting) c where coalesce(o.line->>c, '') <> coalesce(n.line->>c, '')) end
    and not (leaves_running and o.line->>'status' = 'active'
      and (o.line->'user_id', o.line->'service', o.line->'started_at')
        = (n.line->'user_id', n.line->'service', n.line->'started_at'))
  order by k.key;
end $$;
comment on function quota.note_rows(text, text, text[], jsonb[], jsonb[]) is
  'One row of the history per changed row: what differs, before and after, without what may name a person.';
