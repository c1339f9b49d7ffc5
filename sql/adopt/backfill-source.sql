create or replace function quota.backfill_source(
  p_source integer, p_size integer, out rows integer, out is_done boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Batch after batch is the same work: making its plans anew would cost the small ones more than doing it. And
-- each looks up what is of its users, also where a table is still so small that reading it all would do.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
-- An app's transaction that is open holds its users, and the links of its rows. Whoever waits for it holds
-- the others of the batch, and the app with them: it lets go, and comes again.
set lock_timeout = '250ms'
as $$
declare
  reached text;
  keys text[];
  whole integer;
begin
  -- A few hold few others: they stand in line, or an app that is always at it would never let them by.
  if p_size <= 100 then
    perform set_config('lock_timeout', '2s', true);
  end if;
  select s.backfilled_to into reached from quota.adopt_sources s where s.id = p_source for no key update;
  -- What the past crossed is dated by it, and told to nobody.
  perform set_config('quota.backfill', 'on', true);
  -- A server that loses this batch loses that it is through, too.
  perform set_config('synchronous_commit', 'off', true);
  if to_regclass(format('quota_adopt.work_%s', p_source)) is not null then
    -- The calls of a user are laid out side by side: a batch ends before one whom it would cut, if it can.
    execute format('select max(w.position) - $1 from quota_adopt.work_%1$s w
      where w.position > $1 and w.position <= $1 + $2
        and w.user_id <> (select n.user_id from quota_adopt.work_%1$s n where n.position = $1 + $2 + 1)',
      p_source) into whole using coalesce(reached, '0')::bigint, p_size;
    p_size := coalesce(whole, p_size);
    execute format('select f.rows, f.rest from quota_adopt.source_%s_fill($1, $2) f', p_source)
    into rows, keys using coalesce(reached, '0')::bigint, p_size;
    reached := coalesce(reached, '0')::bigint + p_size;
  else
    execute format('select quota_adopt.source_%s_keys($1, $2)', p_source) into keys using reached, p_size;
    reached := keys[cardinality(keys)];
    rows := cardinality(keys);
  end if;
  is_done := rows < p_size;
  if cardinality(keys) > 0 then
    perform quota.take_keys(p_source, keys);
  end if;
  update quota.adopt_sources s
  set backfilled_to = coalesce(reached, s.backfilled_to), backfilled_rows = s.backfilled_rows + rows,
    backfilled_at = case when is_done then quota.now() end
  where s.id = p_source;
  if is_done then
    execute format('drop table if exists quota_adopt.work_%s', p_source);
  end if;
end $$;
comment on function quota.backfill_source(integer, integer, out integer, out boolean) is
  'Takes over the next rows of a source, and notes how far it is in the same transaction: killed at any '
  'moment, it goes on where it was.';

create or replace function quota.lay_out_source(p_source integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  source quota.adopt_sources;
begin
  select * into source from quota.adopt_sources s where s.id = p_source for no key update;
  -- What was attached before there was a layout goes on by its keys.
  if source.kind = 'calls' and source.backfilled_at is null
    and to_regprocedure(format('quota_adopt.source_%s_lay_out()', p_source)) is not null and (
    source.backfilled_to is null or to_regclass(format('quota_adopt.work_%s', p_source)) is null)
  then
    execute format('select quota_adopt.source_%s_lay_out()', p_source);
    update quota.adopt_sources s set backfilled_to = '0' where s.id = p_source;
  end if;
end $$;
comment on function quota.lay_out_source(integer) is
  'Lays out what a backfill of calls has to go through, user by user, where that is not done yet.';
