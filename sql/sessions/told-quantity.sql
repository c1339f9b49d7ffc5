create or replace function quota.told_quantity(l quota.call_logs) returns numeric
language sql stable
as $$
  select case u.unit when 'second' then l.duration_seconds when 'message' then l.messages
    else (l.quantities->>(u.unit || 's'))::numeric end
  from quota.service_unit(l.service) u(unit)
$$;
comment on function quota.told_quantity(quota.call_logs) is
  'The quantity of a call in the unit of its service, as it is stored; null: none is told yet.';
