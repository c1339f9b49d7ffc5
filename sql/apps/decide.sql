create or replace function quota.decide(
  p_user uuid, p_service text, p_model text default null, p_quantity numeric default null,
  p_file_bytes bigint default null, p_for text default 'usage', p_session bigint default null,
  p_quantities jsonb default null, p_tells_meters boolean default true)
returns quota.check_result
language plpgsql stable
as $$
declare
  at timestamptz := quota.now();
  answer quota.check_result;
begin
  -- Whoever does not tell of each meter has not looked as quota.check has before: the same look, into three
  -- tables in place of six.
  if not p_tells_meters and p_file_bytes is null and p_for = 'usage' and p_quantities is null then
    select true, 'ok', null, 'Allowed.', s.service, s.plan, q.meter, q.used, q.limit_quantity,
      q.limit_quantity - q.used, round(100 * q.used / nullif(q.limit_quantity, 0), 2), q.cost, null, 'ok',
      '{}', nullif(q.period_end, 'infinity'), null, null, p.features,
      quota.runs_out_at(q.used, q.adjusted, q.limit_quantity, q.cost, null, null, q.calls, q.period_start,
        q.period_end, at)
    into answer
    from quota.subscriptions s
    join quota.simple_plans p on p.plan = s.plan and (p_model <> all (p.allowed_models)) is not true
    join quota.usage_quotas q on q.user_id = s.user_id and q.meter = p.meter and quota.contains(q, at)
      and not q.superseded
    where s.user_id = p_user and s.service = p_service and q.exhausted_at is null and q.granted = 0
      and q.cost_limit is null
      and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
      and not round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at || 100);
    if answer.allowed and (p_quantity is null or p_quantity between 0 and answer.remaining) then
      return answer;
    end if;
  end if;
  return quota.decide_by_meters(p_user, p_service, p_model, p_quantity, p_file_bytes, p_for, p_session,
    p_quantities, p_tells_meters);
end $$;
comment on function quota.decide(uuid, text, text, numeric, bigint, text, bigint, jsonb, boolean) is
  'The answer of quota.check, for the functions of the apps: it runs with the rights and the search path of '
  'its caller. p_session: the call whose own reservation does not count; p_tells_meters: false '
  'where nobody asks for each of them.';
