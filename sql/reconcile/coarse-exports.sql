create or replace function quota.coarse_exports(exports integer[]) returns integer[]
language sql stable
as $$ select array(select e.id from quota.billing_exports e where e.id = any (exports)
  and e.whole_seconds) $$;
comment on function quota.coarse_exports(integer[]) is 'Those whose durations are printed in whole seconds.';

create or replace function quota.duration_tolerance(r quota.reconciliations, is_coarse boolean)
returns numeric
language sql immutable parallel safe
as $$ select case when is_coarse then r.duration_tolerance + 1 else r.duration_tolerance end $$;
comment on function quota.duration_tolerance(quota.reconciliations, boolean) is
  'By how much the durations of a line and its log may differ: one printed in whole seconds may be a second '
  'off by that alone.';
