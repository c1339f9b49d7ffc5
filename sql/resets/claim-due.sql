create type quota.reset_position as (plan text, next_reset_at timestamptz, user_id uuid);
comment on type quota.reset_position is 'A place in the index subscriptions_due.';

create or replace function quota.claim_due(
  plans text[], batch_size integer, only_user uuid, after quota.reset_position)
returns quota.subscriptions[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Always down the index in its order. A scan of the table would cost what exists, not what is due.
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  claimed quota.subscriptions[] := '{}';
  more quota.subscriptions[];
  next_plan text;
begin
  if only_user is not null then
    return array(
      select s from quota.subscriptions s
      where s.user_id = only_user and s.plan = any (plans) and s.next_reset_at <= quota.now()
      limit batch_size for no key update skip locked);
  end if;
  foreach next_plan in array plans loop
    continue when next_plan < after.plan;
    select array_agg(c.s) into more
    from (
      select s from quota.subscriptions s
      where s.plan = next_plan and s.next_reset_at <= quota.now()
        and (s.next_reset_at, s.user_id) > (
          case when next_plan = after.plan then after.next_reset_at else '-infinity' end,
          case when next_plan = after.plan then after.user_id else '00000000-0000-0000-0000-000000000000' end)
      order by s.next_reset_at, s.user_id
      limit batch_size - cardinality(claimed)
      for no key update skip locked
    ) c;
    claimed := claimed || more;
    exit when cardinality(claimed) >= batch_size;
  end loop;
  return claimed;
end $$;
comment on function quota.claim_due(text[], integer, uuid, quota.reset_position) is
  'Locks up to batch_size due subscriptions that nobody else is working on, of one user or in the order of '
  'the index after a position.';
