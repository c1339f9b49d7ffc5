create or replace function quota.note_examined(p_wrong text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_nestloop = off set work_mem = '128MB'
as $$
declare
  noted integer;
begin
  perform quota.refuse_other_users(null);
  -- What is counted here must be what was examined, and nothing later.
  if current_setting('transaction_isolation') <> 'repeatable read' then
    raise exception 'this belongs into the snapshot in which all users were examined' using errcode = '55000';
  end if;
  delete from quota.examined_users e using quota.users u
  where u.id = e.user_id and u.external_id = any (p_wrong);
  insert into quota.examined_users (user_id, terms, facts, horizon, noted, noted_at)
  select f.user_id, t.terms, f.facts, t.horizon, t.noted, t.at
  from (select quota.counting_terms() as terms, pg_snapshot_xmin(pg_current_snapshot()) as horizon,
    pg_current_xact_id() as noted, quota.now() as at offset 0) t
  cross join quota.facts_of_users() f
  join quota.users u on u.id = f.user_id and u.external_id <> all (p_wrong)
  where f.user_id in (select quota.users_to_examine())
  on conflict (user_id) do update
  set terms = excluded.terms, facts = excluded.facts, horizon = excluded.horizon, noted = excluded.noted,
    noted_at = excluded.noted_at;
  get diagnostics noted = row_count;
  return noted;
end $$;
comment on function quota.note_examined(text[]) is
  'Notes, in the snapshot in which all users were examined, with what each was found right, but for those of '
  'these external ids. Returns how many had changed.';
