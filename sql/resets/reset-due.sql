-- Anniversary and calendar resets: claim, close, open, audit and advance, one transaction per batch.

create type quota.reset_counts as (
  reset integer, caught_up integer, closed integer, queued integer, last quota.reset_position);
comment on type quota.reset_counts is
  'Subscriptions reset, periods they missed before, quotas closed, assistants queued to be restored, and '
  'where the claim ended.';

create or replace function quota.reset_due(
  anchor text, batch_size integer, run uuid, only_user uuid default null,
  after quota.reset_position default null)
returns quota.reset_counts
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Plans for the batch as it is, by index: see claim_due.
set enable_seqscan = off set plan_cache_mode = force_custom_plan set jit = off set work_mem = '32MB'
as $$
declare
  counts quota.reset_counts;
  plans text[] := quota.due_plans(anchor);
  claimed quota.subscriptions[];
  last_claimed quota.subscriptions;
  outcome quota.reset_outcome;
begin
  perform quota.refuse_other_users(array[only_user]);
  loop
    claimed := quota.claim_due(plans, batch_size, only_user, after);
    exit when cardinality(claimed) = 0;
    last_claimed := claimed[cardinality(claimed)];
    after := (last_claimed.plan, last_claimed.next_reset_at, last_claimed.user_id);
    -- One that cannot be reckoned holds up nobody: the next ones are looked at in its place.
    claimed := quota.in_known_zones(claimed);
    exit when cardinality(claimed) > 0 or only_user is not null;
  end loop;
  if cardinality(claimed) = 0 then
    counts := (0, 0, 0, 0, after);
    return counts;
  end if;
  outcome := quota.reset_claimed(claimed, run);
  counts := (
    outcome.reset, outcome.caught_up, outcome.closed,
    quota.settle_reset(claimed, outcome.freed_users, outcome.are_kept),
    after);
  return counts;
end $$;
comment on function quota.reset_due(text, integer, uuid, uuid, quota.reset_position) is
  'Resets up to batch_size subscriptions that are due and that nobody else is working on, in the order of '
  'the index after a position. reset = 0: none was left there.';
