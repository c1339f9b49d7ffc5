create or replace function quota.purgeable_details(batch_size integer) returns setof bigint
language sql stable
as $$
  select l.id
  from quota.service_settings s
  join quota.call_logs l on l.service = s.service
    and l.started_at < quota.now() - make_interval(days => s.keep_details_days)
  where s.keep_details_days is not null and (l.metadata is not null or l.error_message is not null)
    and l.status <> 'active'
    -- What finance has begun to look at is kept until it is done, and by its rule.
    and not exists (
      select from quota.reconciliations r
      where r.provider = l.provider and r.closed_at is null
        and r.month = date_trunc('month', l.started_at at time zone 'UTC')::date)
    and not quota.has_open_period(l.user_id, l.service, l.started_at)
  limit batch_size
$$;
comment on function quota.purgeable_details(integer) is
  'Calls of services that finance does not reconcile whose details are older than their service keeps them '
  'and whose periods are closed (a lifetime never closes and does not count).';

create or replace function quota.has_open_period(p_user uuid, p_service text, at timestamptz) returns boolean
language sql stable
as $$
  select exists (
    select from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = p_user and m.service = p_service and q.closed_at is null and isfinite(q.period_end)
      and quota.contains(q, at))
$$;
comment on function quota.has_open_period(uuid, text, timestamptz) is
  'Whether an instant lies in a period of a user that is not closed; lifetimes never close.';
