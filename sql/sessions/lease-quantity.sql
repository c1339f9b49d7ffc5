create or replace function quota.lease_quantity(
  lease quota.concurrent_processing, p_is_live boolean, at timestamptz)
returns numeric
language sql immutable parallel safe
as $$
  select coalesce(lease.progress, case
    when p_is_live
      then least(lease.reserved, round(greatest(extract(epoch from at - lease.started_at), 0), 3))
    else lease.reserved
  end)
$$;
comment on function quota.lease_quantity(quota.concurrent_processing, boolean, timestamptz) is
  'What a session is settled at when nobody tells its end: its last sign of life, else what it had reserved, '
  'on live meters no more than the time since its start.';
