create or replace function quota.purgeable_calls(before timestamptz, batch_size integer) returns setof bigint
language sql stable
as $$
  select l.id from quota.call_logs l
  where (l.metadata is not null or l.error_message is not null) and l.started_at < before
    and l.status <> 'active'
    -- Finance is done with the month, and no period that is still open has the call.
    and exists (
      select 1 from quota.reconciliations r
      where r.provider = l.provider and r.closed_at is not null
        and r.month = date_trunc('month', l.started_at at time zone 'UTC')::date)
    and not quota.has_open_period(l.user_id, l.service, l.started_at)
  order by l.started_at
  limit batch_size
$$;
comment on function quota.purgeable_calls(timestamptz, integer) is
  'Calls from before an instant whose details may go: the month is closed by finance, and so are their '
  'periods (a lifetime never closes and does not count).';
