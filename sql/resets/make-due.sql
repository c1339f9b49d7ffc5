create or replace function quota.make_due(users uuid[], services text[], ends timestamptz[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update quota.subscriptions s set next_reset_at = o.period_end
  from (
    select o.user_id, o.service, min(o.period_end) as period_end
    from unnest(users, services, ends) o(user_id, service, period_end)
    group by o.user_id, o.service
  ) o
  where s.user_id = o.user_id and s.service = o.service and s.next_reset_at > o.period_end
$$;
comment on function quota.make_due(uuid[], text[], timestamptz[]) is
  'Brings resets forward to the end of a past period that was opened by usage and that no reset has closed. '
  'The caller holds the subscriptions.';
