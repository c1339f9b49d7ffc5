create or replace function quota.differs(stored quota.call_logs, told quota.told_end, in_seconds boolean)
returns boolean
language sql immutable
as $$
  select case
      when in_seconds then told.duration_seconds is distinct from stored.duration_seconds
        and told.duration_seconds is not null
      else quota.quantity_of('message', told.status, null, told.messages)
        <> quota.quantity_of('message', stored.status, null, stored.messages)
    end or coalesce(told.cost <> stored.cost, told.cost is not null)
$$;
comment on function quota.differs(quota.call_logs, quota.told_end, boolean) is
  'Whether other figures are told of a call than are stored: what it counts, and its cost.';
