create or replace function quota.is_undone(entry quota.adjustments) returns boolean
language sql stable
as $$
  select exists (
    select from quota.adjustments a
    where a.user_id = entry.user_id and a.meter = entry.meter and a.period_start = entry.period_start
      and a.kind = 'undone' and a.id > entry.id)
$$;
comment on function quota.is_undone(quota.adjustments) is
  'Whether a reset was taken back: what was used before it counts again, also what is told later.';
