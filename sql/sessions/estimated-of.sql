create or replace function quota.estimated_of(
  p_user uuid, p_service text, p_models text[], p_from timestamptz, p_to timestamptz)
returns numeric
language sql stable
as $$
  select coalesce(sum(quota.quantity_of(m.unit, l.status, l.duration_seconds, l.messages)), 0)
  from quota.call_logs l
  cross join (select min(m.unit) as unit from quota.meters m where m.service = p_service) m
  where l.user_id = p_user and l.service = p_service and l.started_at >= p_from and l.started_at < p_to
    and l.settled_by in ('nobody', 'reservation', 'heartbeat') and quota.counts_model(p_models, l.model)
$$;
comment on function quota.estimated_of(uuid, text, text[], timestamptz, timestamptz) is
  'The part of what a user used of a meter with these models, in a period, that is an estimate.';
