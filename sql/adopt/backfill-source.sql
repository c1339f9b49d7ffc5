create or replace function quota.backfill_source(
  p_source integer, p_size integer, out rows integer, out is_done boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  reached text;
  keys text[];
begin
  select s.backfilled_to into reached from quota.adopt_sources s where s.id = p_source for no key update;
  execute format('select quota_adopt.source_%s_keys($1, $2)', p_source) into keys using reached, p_size;
  rows := cardinality(keys);
  is_done := rows < p_size;
  -- What the past crossed is dated by it, and told to nobody.
  perform set_config('quota.backfill', 'on', true);
  if rows > 0 then
    perform quota.take_keys(p_source, keys);
  end if;
  update quota.adopt_sources s
  set backfilled_to = coalesce(keys[rows], s.backfilled_to), backfilled_rows = s.backfilled_rows + rows,
    backfilled_at = case when is_done then quota.now() end
  where s.id = p_source;
end $$;
comment on function quota.backfill_source(integer, integer, out integer, out boolean) is
  'Takes over the next rows of a source, and notes how far it is in the same transaction: killed at any '
  'moment, it goes on where it was.';
