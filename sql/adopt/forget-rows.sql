create or replace function quota.forget_rows(p_source integer, p_keys text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  kind text := (select s.kind from quota.adopt_sources s where s.id = p_source);
  calls quota.adopted_call[];
begin
  if kind = 'calls' then
    select array_agg(c) into calls
    from unnest(p_keys) k
    cross join lateral jsonb_populate_record(null::quota.adopted_call,
      jsonb_build_object('key', k, 'is_there', false)) c;
    perform quota.hold_adopted(p_source, calls);
    perform quota.remove_adopted(p_source, calls);
  elsif kind = 'assistants' then
    perform quota.retire_assistants(p_source, p_keys);
  elsif kind = 'jobs' then
    perform quota.end_jobs(p_source, p_keys);
  end if;
end $$;
comment on function quota.forget_rows(integer, text[]) is
  'Takes back what came of rows that are gone: calls are removed, assistants are gone, jobs have ended, '
  'users stay.';
