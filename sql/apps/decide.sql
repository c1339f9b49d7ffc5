create or replace function quota.decide(
  p_user uuid, p_service text, p_model text default null, p_quantity numeric default null,
  p_file_bytes bigint default null, p_for text default 'usage', p_session bigint default null)
returns quota.check_result
language plpgsql stable
as $$
declare
  at timestamptz := quota.now();
  worst record;
begin
  -- Nearly every check finds an open period with plenty left and nothing else to look at. Told apart in one
  -- look, it costs a sixth: no expression is made ready for a transaction that does not need it.
  if p_file_bytes is null and p_for = 'usage' then
    select s.plan, q.meter, q.used, q.limit_quantity, q.limit_quantity - q.used as remaining,
      round(100 * q.used / nullif(q.limit_quantity, 0), 2) as percent, q.cost, q.period_end,
      q.user_id is null or q.exhausted_at is not null or q.granted <> 0 or q.cost_limit is not null
        or coalesce(round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at), false)
        or coalesce(p.max_concurrent = 0 or p_model <> all (p.allowed_models), false) as is_special
    into worst
    from quota.subscriptions s
    join quota.plans p on p.key = s.plan
    join quota.meters m on m.service = s.service and quota.counts_model(m.models, p_model)
    left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
      and quota.contains(q, at) and not q.superseded
    where s.user_id = p_user and s.service = p_service
      and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
    order by is_special desc, remaining, q.meter
    limit 1;
    if not worst.is_special and worst.percent < 100
      and (p_quantity is null or p_quantity between 0 and worst.remaining)
    then
      return (
        true, 'ok', null, 'Allowed.', p_service, worst.plan, worst.meter, worst.used, worst.limit_quantity,
        worst.remaining,
        worst.percent, worst.cost, null, 'ok', '{}', nullif(worst.period_end, 'infinity'),
        null)::quota.check_result;
    end if;
  end if;
  return quota.decide_in_full(p_user, p_service, p_model, p_quantity, p_file_bytes, p_for, p_session);
end $$;
comment on function quota.decide(uuid, text, text, numeric, bigint, text, bigint) is
  'The answer of quota.check, for the functions of the apps: it runs with the rights and the search path of '
  'its caller. p_session: the call whose own reservation does not count.';
