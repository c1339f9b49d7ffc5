create or replace function quota.is_estimate(settled_by text) returns boolean
language sql immutable parallel safe
as $$ select settled_by in ('nobody', 'reservation', 'heartbeat') $$;
comment on function quota.is_estimate(text) is
  'Whether what a call came to is an estimate, which its end, the bill or an operator replaces; null: nobody '
  'but the end told it. Inlined.';
