create type quota.counted_usage as (
  used numeric, limit_quantity numeric, cost numeric, runs_out_at numeric);
comment on type quota.counted_usage is
  'How a quota stands after a call: what quota.count_call tells quota.record, where no more is to be said.';

create or replace function quota.count_call(
  p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamptz,
  p_duration_seconds numeric, p_messages integer, p_cost numeric, p_file_bytes bigint, p_quantities jsonb)
returns boolean
language plpgsql
as $$
declare
  terms record;
  counted record;
  quantity numeric;
  told text;
  -- Asked once: inlined, the clock would be made ready at each place.
  at timestamptz := quota.now();
begin
  -- Apps record all day, and making a statement ready costs more than what it does: one that locks, one that
  -- adds, of what is so once the lock is held. Locked here and not by hold_subscriptions for that reason.
  select s.plan, p.meter, p.unit, p.since, p.allowed_models into terms
  from quota.subscriptions s left join quota.simple_plans p on p.plan = s.plan
  where s.user_id = p_user and s.service = p_service
  for no key update of s;
  if not found then
    return false;
  end if;
  quantity := quota.quantity_of(terms.unit, null, p_status, p_duration_seconds, p_messages, null, null);
  -- What belongs to a period that is over, or to before a grant ended or a reset, or also to a period that a
  -- former plan cut, whether closed by the change of plan or by a reset before it, is for the longer way.
  update quota.usage_quotas q
  set used = q.used + quantity, calls = q.calls + 1,
    cost = q.cost + quota.cost_of(p_cost, terms.unit, quantity, q.unit_price)
  where terms.since < p_started_at
    and q.user_id = p_user and q.meter = terms.meter and quota.contains(q, p_started_at)
    and q.period_end > at and q.adjusted = 0 and not q.superseded
    and not exists (
      select from quota.adjustments a
      where a.user_id = p_user and a.meter = terms.meter and a.kind = 'reset' and a.created_at > p_started_at)
    and not exists (
      select from quota.usage_quotas o
      where o.user_id = p_user and o.meter = terms.meter and o.period_start <> q.period_start
        and quota.contains(o, p_started_at))
    and not exists (
      select from quota.grants g
      where g.user_id = p_user and least(g.expires_at, g.revoked_at) between p_started_at and at)
  returning q.meter, q.period_start, q.period_end, q.used, q.limit_quantity, q.cost, q.calls,
    q.granted = 0 and q.period_start <= at and q.used < q.limit_quantity as is_plain,
    -- More than a percent below every limit, as nearly all are, there is nothing to enforce.
    q.cost_limit is not null or q.exhausted_at is not null
      or q.used >= q.limit_quantity or (100 * q.used + q.limit_quantity) / nullif(q.limit_quantity,
        0) >= any (q.warn_at) as may_cross
  into counted;
  if not found then
    return quota.count_on_meters(p_user, p_service, p_model, p_status, p_started_at, p_duration_seconds,
      p_messages, p_cost, p_file_bytes, p_quantities);
  elsif counted.may_cross then
    perform quota.settle_crossed(array[q]) from quota.usage_quotas q
    where q.user_id = p_user and q.meter = counted.meter and q.period_start = counted.period_start
      and quota.marks_differ(q);
  elsif counted.is_plain and current_setting('quota.counted', true) = 'asked' then
    -- A model that the plan names in capitals is left to the longer way.
    if (p_model <> all (terms.allowed_models)) is not true
      and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
    then
      -- As seconds: no notation of instants that a session may have can say them otherwise.
      told := set_config('quota.counted',
        (counted.used, counted.limit_quantity, counted.cost, extract(epoch from quota.runs_out_at(
          counted.used, 0, counted.limit_quantity, counted.cost, null, null, counted.calls,
          counted.period_start, counted.period_end, at)))::quota.counted_usage::text, true);
    end if;
  end if;
  return true;
end $$;
comment on function quota.count_call(
  uuid, text, text, text, timestamptz, numeric, integer, numeric, bigint, jsonb) is
  'Adds one call to the periods of its user''s meters, in the order of locks, and enforces what it crosses; '
  'false, and nothing is added, if one of them is not open yet. Where quota.counted says "asked", and there '
  'is plenty left and nothing else to look at, tells there how the quota stands.';
