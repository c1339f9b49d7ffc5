-- Rows of a table in another database come by somebody who has read them there. They stand for the moment in
-- which they are taken in quota_adopt.told_N, and the functions of the source read them there as they read a
-- table of the app. The row of the source is held from before they are read until they are taken: what was
-- read first is never taken last.

create or replace function quota.claim_told(
  p_source integer, out reading jsonb, out followed jsonb, out rows bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  select s.reading, s.followed, s.followed_rows into reading, followed, rows
  from quota.adopt_sources s
  where s.id = p_source and s.is_attached and s.reading is not null and s.staged is null
    and s.backfilled_at is not null
  for no key update skip locked;
end $$;
comment on function quota.claim_told(integer, out jsonb, out jsonb, out bigint) is
  'Holds a source in another database until the transaction ends: what is read there, and how far it is '
  'followed. Null: somebody else holds it, or no backfill was through it yet.';

create or replace function quota.tell_rows(p_source integer, p_rows jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  execute format('insert into quota_adopt.told_%1$s
    select t.* from jsonb_populate_recordset(null::quota_adopt.told_%1$s, $1) t', p_source)
  using p_rows;
end $$;
comment on function quota.tell_rows(integer, jsonb) is
  'Puts rows of another database where quota.take_told finds them. The caller has claimed the source.';

create or replace function quota.take_told(p_source integer, p_is_whole boolean) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  keys text[];
begin
  perform quota.refuse_other_users(array[null::uuid]);
  execute format('select array_agg(t.key) from quota_adopt.told_%s t', p_source) into keys;
  perform quota.take_keys(p_source, keys[n:n + 999]) from generate_series(1, cardinality(keys), 1000) n;
  if p_is_whole then
    perform quota.forget_untold(p_source);
  end if;
  perform quota.note_told(p_source);
  execute format('delete from quota_adopt.told_%s', p_source);
  return coalesce(cardinality(keys), 0);
end $$;
comment on function quota.take_told(integer, boolean) is
  'Takes the rows over that were told of a source; how many. p_is_whole: they are all that there are, and '
  'what came of others is taken back. The caller has claimed the source.';

create or replace function quota.forget_untold(p_source integer) returns void
language plpgsql
as $$
declare
  source quota.adopt_sources;
  gone text[];
begin
  select * into source from quota.adopt_sources s where s.id = p_source;
  if source.kind = 'jobs' then
    execute format('insert into quota.adopt_links (source, key)
      select %1$s, t.key from quota_adopt.told_%1$s t on conflict do nothing', p_source);
  end if;
  if source.kind = 'assistants' then
    execute format('select array_agg(l.key) from quota.adopt_assistants l where l.source = %1$s
      and not exists (select from quota_adopt.told_%1$s t where t.key = l.key)', p_source) into gone;
  elsif source.kind = 'jobs' or source.kind = 'calls' and source.on_delete = 'remove' then
    execute format('select array_agg(l.key) from quota.adopt_links l where l.source = %1$s
      and (%2$L = ''jobs'' or l.call_log_id is not null)
      and not exists (select from quota_adopt.told_%1$s t where t.key = l.key)', p_source, source.kind)
    into gone;
  end if;
  if gone is not null then
    perform quota.forget_rows(p_source, gone);
  end if;
end $$;
comment on function quota.forget_untold(integer) is
  'Takes back what came of rows that are not among those that were told, where they are all that there are.';

create or replace function quota.note_followed(
  p_source integer, p_followed jsonb, p_rows integer, p_is_through boolean)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  update quota.adopt_sources s
  set followed = p_followed, followed_rows = s.followed_rows + p_rows, follow_error = null,
    follow_failed_at = null,
    followed_at = case when p_is_through then quota.now() else s.followed_at end
  where s.id = p_source;
end $$;
comment on function quota.note_followed(integer, jsonb, integer, boolean) is
  'Notes how far a source in another database is followed. The caller has claimed it.';

create or replace function quota.note_unfollowed(p_source integer, p_error text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  update quota.adopt_sources s set follow_error = left(p_error, 500), follow_failed_at = quota.now()
  where s.id = p_source;
end $$;
comment on function quota.note_unfollowed(integer, text) is
  'Notes why a source in another database could not be read.';

create or replace function quota.end_staging(p_source integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  source quota.adopt_sources;
begin
  select * into source from quota.adopt_sources s where s.id = p_source for no key update;
  if source.kind = 'jobs' then
    execute format('insert into quota.adopt_links (source, key)
      select %1$s, t.key from quota_adopt.told_%1$s t on conflict do nothing', p_source);
  end if;
  perform quota.note_told(p_source);
  execute format('truncate quota_adopt.told_%s', p_source);
  update quota.adopt_sources s set staged = null, staged_to = null where s.id = p_source;
end $$;
comment on function quota.end_staging(integer) is
  'Lets a source in another database be followed, once a backfill was through what it has copied.';

create or replace function quota.note_told(p_source integer) returns void
language plpgsql
as $$
begin
  execute format('update quota.adopt_dead d
    set told = case when t.fault is null then to_jsonb(t) end, is_unread = t.fault is not null,
      reason = coalesce(t.fault, d.reason),
      attempts = d.attempts + (t.fault is not null)::integer,
      next_attempt_at = case when t.fault is null then d.next_attempt_at
        else quota.now() + quota.retry_delay(d.attempts + 1, 0) end
    from quota_adopt.told_%1$s t
    where d.source = %1$s and d.key = t.key', p_source);
end $$;
comment on function quota.note_told(integer) is
  'Keeps rows that could not be taken as they were told last, to be tried again; one that could not even be '
  'read is read again instead.';

create or replace function quota.drop_unread(p_source integer, p_keys text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  delete from quota.adopt_dead d where d.source = p_source and d.key = any (p_keys) and d.is_unread;
end $$;
comment on function quota.drop_unread(integer, text[]) is
  'Forgets rows of another database that could not be read, and are gone.';
