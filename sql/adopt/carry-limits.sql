create type quota.carried_limit as (
  "user" text, "limit" numeric, cost_limit numeric, at timestamptz);
comment on type quota.carried_limit is
  'What an adopted product allows a user: in the period that at is in, null for the running one.';

create or replace function quota.carry_limits(p_meter text, p_told jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  counted_by text := (select m.service from quota.meters m where m.key = p_meter);
  told quota.carried_limit[];
  lacking uuid[];
  changed integer;
  past integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  perform set_config('quota.backfill', 'on', true);
  told := array(select t from jsonb_populate_recordset(null::quota.carried_limit, p_told) t);
  lacking := array(
    select distinct u.id from unnest(told) t join quota.users u on u.external_id = t."user"
    where u.erased_at is null and not exists (
      select from quota.subscriptions s where s.user_id = u.id and s.service = counted_by));
  perform quota.lock_subscriptions(lacking, array_fill(counted_by, array[cardinality(lacking)]));

  -- What holds now is a custom limit where it is not that of the plan.
  insert into quota.limit_overrides as o (user_id, plan, meter, limit_quantity, cost_limit, reason)
  select distinct on (s.user_id) s.user_id, s.plan, p_meter, nullif(t."limit", l.limit_quantity),
    nullif(t.cost_limit, l.cost_limit), 'as the app had it'
  from unnest(told) t
  join quota.users u on u.external_id = t."user" and u.erased_at is null
  join quota.subscriptions s on s.user_id = u.id and s.service = counted_by
  join quota.plan_limits l on l.plan = s.plan and l.meter = p_meter
  where t.at is null or exists (
    select from quota.quota_terms(u.id, p_meter, t.at, t.at) p
    where p.period_start <= quota.now() and p.period_end > quota.now())
  order by s.user_id, t.at desc nulls last
  on conflict (user_id, plan, meter) do update
    set limit_quantity = excluded.limit_quantity, cost_limit = excluded.cost_limit, reason = excluded.reason
    where (o.limit_quantity, o.cost_limit) is distinct from (excluded.limit_quantity, excluded.cost_limit);
  delete from quota.limit_overrides o
  where o.meter = p_meter and o.limit_quantity is null and o.cost_limit is null
    and o.reason = 'as the app had it';
  select count(*) into changed from quota.limit_overrides o
  where o.meter = p_meter and o.reason = 'as the app had it';

  update quota.usage_quotas q
  set limit_quantity = coalesce(t."limit", q.limit_quantity),
    cost_limit = coalesce(t.cost_limit, q.cost_limit), alerted = null
  from unnest(told) t
  join quota.users u on u.external_id = t."user"
  where q.user_id = u.id and q.meter = p_meter and quota.contains(q, t.at)
    and q.period_end <= quota.now() and not q.superseded
    and (q.limit_quantity, q.cost_limit)
      is distinct from (coalesce(t."limit", q.limit_quantity), coalesce(t.cost_limit, q.cost_limit));
  get diagnostics past = row_count;
  return changed + past;
end $$;
comment on function quota.carry_limits(text, jsonb) is
  'Takes over what an adopted product allowed each of its users: as custom limits, and in periods that are '
  'over as what they were. How many hold, or were changed.';
