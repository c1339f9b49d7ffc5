create or replace function quota.take_jobs(p_source integer, p_jobs quota.adopted_job[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  taken integer;
begin
  perform quota.bury_row(p_source, j.key, 'take', null,
    case when j.started_at is null then 'it does not say when it started'
      else format('there is no user "%s"', quota.shown(coalesce(j.user_name, ''))) end)
  from unnest(p_jobs) j
  where j.is_there and (j.started_at is null
    or not exists (select from quota.users u where u.external_id = j.user_name)
      and quota.was_erased(j.user_name) is not true);
  -- Moved to another user it is another lease.
  delete from quota.concurrent_processing c using unnest(p_jobs) j
  where c.id = quota.adopted_lease(p_source, j.key) and (
    not j.is_there or c.user_id <> all (
      array(select u.id from quota.users u where u.external_id = j.user_name)));
  insert into quota.concurrent_processing as c (user_id, id, service, started_at, expires_at)
  select u.id, quota.adopted_lease(p_source, j.key), j.service, j.started_at, e.at
  from unnest(p_jobs) j
  join quota.users u on u.external_id = j.user_name and u.erased_at is null
  cross join lateral (
    select coalesce(j.expires_at, j.started_at + quota.lease_length(u.id, j.service)) as at) e
  -- One that should have ended holds nobody up.
  where j.is_there and e.at > quota.now()
  order by u.id
  on conflict (user_id, id) do update
    set service = excluded.service, started_at = excluded.started_at, expires_at = excluded.expires_at;
  get diagnostics taken = row_count;
  -- Jobs come and go: the links of those that do not run are not kept.
  delete from quota.adopt_links l using unnest(p_jobs) j
  where l.source = p_source and l.key = j.key and not j.is_there;
  return taken;
end $$;
comment on function quota.take_jobs(integer, quota.adopted_job[]) is
  'Lets jobs that an adopted product runs count among those of their users; how many do.';

create or replace function quota.adopted_lease(p_source integer, p_key text) returns uuid
language sql immutable
as $$ select md5('adopted job ' || p_source || ' ' || p_key)::uuid $$;
comment on function quota.adopted_lease(integer, text) is
  'The lease of a job that a row of an adopted product tells of.';

create or replace function quota.end_jobs(p_source integer, p_keys text[]) returns void
language sql
as $$
  delete from quota.concurrent_processing c
  where c.id in (select quota.adopted_lease(p_source, k) from unnest(p_keys) k);
  delete from quota.adopt_links l where l.source = p_source and l.key = any (p_keys)
$$;
comment on function quota.end_jobs(integer, text[]) is
  'Jobs whose rows an adopted product has deleted do not run any more.';
