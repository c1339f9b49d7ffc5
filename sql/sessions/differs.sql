create or replace function quota.differs(stored quota.call_logs, told quota.told_end, in_seconds boolean)
returns boolean
language sql immutable
as $$
  select case
      when in_seconds then told.duration_seconds is distinct from stored.duration_seconds
        and told.duration_seconds is not null
      when told.quantities is not null and told.messages is null then false
      else quota.quantity_of('message', null, told.status, null, told.messages, null, null)
        <> quota.quantity_of('message', null, stored.status, null, stored.messages, null, null)
    end or coalesce(not stored.quantities @> told.quantities, told.quantities is not null)
      or coalesce(told.cost <> stored.cost, told.cost is not null)
$$;
comment on function quota.differs(quota.call_logs, quota.told_end, boolean) is
  'Whether other figures are told of a call than are stored: what it counts, whatever it is told of, and its '
  'cost.';
