create or replace function quota.claim_alerts(batch_size integer, lease interval)
returns table (id uuid, attempts integer, payload jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  claimed uuid[];
begin
  claimed := array(
    select c.id from quota.alert_deliveries c
    where c.status in ('pending', 'failed') and c.next_attempt_at <= quota.now()
      and ((select quota.bound_user()) is null or c.user_id = (select quota.bound_user()))
    order by c.next_attempt_at, c.id limit batch_size for update skip locked);
  update quota.alert_deliveries d set attempts = d.attempts + 1, next_attempt_at = quota.now() + lease
  where d.id = any (claimed);
  -- One look says what is true and what is told: a statement sees the quotas of one instant.
  return query
  select d.id, d.attempts, t.payload
  from quota.alert_deliveries d cross join lateral quota.alert_payload(d.user_id, d.id) t(payload)
  where d.id = any (claimed)
  order by t.payload->>'crossedAt', d.id;
end $$;
comment on function quota.claim_alerts(integer, interval) is
  'Takes alerts that are due for the time of a lease, with what is to be sent; null: it is not so any more, '
  'see withdraw_alerts. A sender that dies leaves them due again.';
