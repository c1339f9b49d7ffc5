create or replace function quota.retry_dead(
  p_size integer, p_product text default null, out tried integer, out taken integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- An app's transaction that is open may hold what a row needs for as long as it likes.
set lock_timeout = '250ms'
as $$
declare
  dead record;
  there text[];
  held integer := 0;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  tried := 0;
  taken := 0;
  -- Whoever reads them in another database waits: a row that was told before is never taken after it.
  perform from quota.adopt_sources s
  where s.reading is not null and s.is_attached and (p_product is null or s.product = p_product)
    and exists (select from quota.adopt_dead d where d.source = s.id and d.next_attempt_at <= quota.now())
  order by s.id for no key update;
  for dead in
    select d.id, d.source, d.key, d.operation, d.attempts, s.on_delete,
      case when s.reading is not null then d.told end as told
    from quota.adopt_dead d
    join quota.adopt_sources s on s.id = d.source and s.is_attached
    where d.key is not null and d.next_attempt_at <= quota.now()
      and (p_product is null or s.product = p_product) and quota.can_retry(s, d.is_unread)
    -- Users come before what they own, and a call leaves its former row before the one that has it now.
    order by case s.kind when 'users' then 0 when 'assistants' then 1 else 2 end, d.operation <> 'remove',
      d.next_attempt_at, d.id
    limit p_size
    for update of d skip locked
  loop
    tried := tried + 1;
    begin
      delete from quota.adopt_dead d where d.id = dead.id;
      if dead.told is not null then
        perform quota.tell_rows(dead.source, jsonb_build_array(dead.told));
        perform quota.take_told(dead.source, false);
      else
        there := quota.take_keys(dead.source, array[dead.key]);
        if cardinality(there) = 0 and (dead.operation = 'remove' or dead.on_delete = 'remove') then
          perform quota.forget_rows(dead.source, array[dead.key]);
        end if;
      end if;
      update quota.adopt_dead d
      set attempts = dead.attempts + 1,
        next_attempt_at = quota.now() + quota.retry_delay(dead.attempts + 1, 0)
      where d.source = dead.source and d.key = dead.key and not d.is_again;
      if not found then
        taken := taken + 1;
      end if;
    exception when lock_not_available or deadlock_detected then
      -- Somebody else is at it: it waits, and keeps no other back. What is taken is held until the end: of
      -- many that wait, most are for the next time. What would come of it now was not tried.
      update quota.adopt_dead d
      set attempts = 0, next_attempt_at = quota.now() + quota.retry_delay(dead.attempts + 1, 0)
      where d.id = dead.id;
      held := held + 1;
    end;
    exit when held = 4;
  end loop;
end $$;
comment on function quota.retry_dead(integer, text, out integer, out integer) is
  'Takes up rows of adopted products that could not be taken over, as they stand now, or in another database '
  'as they were read last; how many were tried, and how many are done with.';

create or replace function quota.can_retry(p_source quota.adopt_sources, p_is_unread boolean) returns boolean
language sql immutable
as $$
  select p_source.reading is null
    or p_source.staged is null and p_source.backfilled_at is not null and not p_is_unread
$$;
comment on function quota.can_retry(quota.adopt_sources, boolean) is
  'Whether a row that waits can be taken up: while a backfill has the rows of another database, it is '
  'through with them first.';
