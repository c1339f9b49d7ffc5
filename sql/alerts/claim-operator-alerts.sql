create or replace function quota.claim_operator_alerts(batch_size integer, lease interval)
returns table (id uuid, payload jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(null);
  return query
  with claimed as (
    update quota.operator_alerts a set attempts = a.attempts + 1, next_attempt_at = quota.now() + lease
    where a.id in (
      select c.id from quota.operator_alerts c
      where c.status in ('pending', 'failed') and c.next_attempt_at <= quota.now()
      order by c.next_attempt_at, c.id limit batch_size for update skip locked)
    returning a.*
  )
  select c.id, jsonb_build_object('id', c.id, 'type', 'operator.alert', 'kind', c.kind, 'level', 'exceeded',
    'service', nullif(c.service, ''), 'day', c.day, 'value', c.value::text, 'limit', c.limit_value::text,
    'calls', c.calls, 'raisedAt', quota.instant_text(c.raised_at), 'asOf', quota.instant_text(quota.now()))
  from claimed c
  order by c.raised_at, c.day, c.service, c.kind;
end $$;
comment on function quota.claim_operator_alerts(integer, interval) is
  'Takes alerts of operators that are due for the time of a lease, with what is to be sent.';
