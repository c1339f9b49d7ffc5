create or replace function quota.decide_by_meters(
  p_user uuid, p_service text, p_model text, p_quantity numeric, p_file_bytes bigint, p_for text,
  p_session bigint, p_quantities jsonb, p_tells_meters boolean)
returns quota.check_result
language plpgsql stable
as $$
declare
  at timestamptz := quota.now();
  worst record;
begin
  -- Nearly every check finds an open period with plenty left and nothing else to look at. Told apart in one
  -- look, it costs a sixth: no expression is made ready for a transaction that does not need it.
  if p_file_bytes is null and p_for = 'usage' and p_quantities is null then
    select x.*, min(x.unit) over every <> max(x.unit) over every as is_mixed,
      jsonb_agg(case
        when not p_tells_meters then null
        when x.used is null then quota.meter_unopened(p_user, x.meter)
        else quota.meter_left(x.meter, x.unit, x.used, x.limit_quantity, x.remaining, x.percent, x.cost, null,
          x.period_end) end) over every as meters
    into worst
    from (
      select s.plan, p.features, m.key as meter, m.unit, q.used, q.limit_quantity,
        q.limit_quantity - q.used as remaining,
        round(100 * q.used / nullif(q.limit_quantity, 0), 2) as percent, q.cost, q.period_end,
        quota.runs_out_at(q.used, q.adjusted, q.limit_quantity, q.cost, null, null, q.calls, q.period_start,
          q.period_end, at) as runs_out_at,
        coalesce(quota.counts_model(m.models, m.patterns, p_model), false) as counts,
        m.measure is not null or coalesce(q.granted <> 0 or q.cost_limit is not null, false)
          or coalesce(p.max_concurrent = 0, false) or not quota.allows_model(p.allowed_models, p_model)
          as is_special,
        q.user_id is null or q.exhausted_at is not null
          or coalesce(round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at), false)
          as is_near
      from quota.subscriptions s
      join quota.plans p on p.key = s.plan
      join quota.plan_limits l on l.plan = s.plan
      join quota.meters m on m.key = l.meter
      left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
        and quota.contains(q, at) and not q.superseded
      where s.user_id = p_user and s.service = p_service
        and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
    ) x
    window every as (rows between unbounded preceding and unbounded following)
    order by x.is_special desc, x.counts desc, x.is_near desc, x.remaining, x.meter
    limit 1;
    if worst.counts and not (worst.is_special or worst.is_near or worst.is_mixed) and worst.percent < 100
      and (p_quantity is null or p_quantity between 0 and worst.remaining)
    then
      return (
        true, 'ok', null, 'Allowed.', p_service, worst.plan, worst.meter, worst.used, worst.limit_quantity,
        worst.remaining, worst.percent, worst.cost, null, 'ok', '{}', nullif(worst.period_end, 'infinity'),
        null, worst.meters, worst.features, worst.runs_out_at)::quota.check_result;
    end if;
  end if;
  return quota.decide_in_full(p_user, p_service, p_model, p_quantity, p_file_bytes, p_for, p_session,
    p_quantities);
end $$;
comment on function quota.decide_by_meters(
  uuid, text, text, numeric, bigint, text, bigint, jsonb, boolean) is
  'The same as quota.decide, of plans with several meters, too, where that is told in one look.';
