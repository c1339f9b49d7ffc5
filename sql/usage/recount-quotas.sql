create or replace function quota.recount_quotas(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  at_once constant integer := 50;
  crossed quota.usage_quotas[];
  others quota.usage_quotas[];
begin
  -- Some at a time, and each quota by looking up what lies in it: of tables that were filled a moment ago the
  -- server knows no numbers yet, and would hold each of their rows against each.
  for n in 1 .. cardinality(users) by at_once loop
    with recounted as (
      update quota.usage_quotas q set used = f.quantity, adjusted = f.adjusted, cost = f.cost, calls = f.calls
      from (
        select o.user_id, o.meter, o.period_start, s.*
        from unnest(users[n:n + at_once - 1], services[n:n + at_once - 1]) as w (user_id, service)
        join quota.usage_quotas o on o.user_id = w.user_id
        join quota.meters m on m.key = o.meter and m.service = w.service
        cross join lateral quota.sums_until(o, 'infinity') s
      ) f
      where q.user_id = f.user_id and q.meter = f.meter and q.period_start = f.period_start
      returning q.*
    )
    select crossed || array_agg(r::quota.usage_quotas) filter (where n.is_crossed),
      others || array_agg(r::quota.usage_quotas) filter (
        where not n.is_crossed and quota.marks_differ(r::quota.usage_quotas))
    into crossed, others
    from recounted r
    cross join lateral (
      select quota.needs_enforcement(r::quota.usage_quotas)
        or not r.superseded and quota.contains(r::quota.usage_quotas, quota.now())
          and quota.alerts_differ(r::quota.usage_quotas) as is_crossed offset 0) n;
  end loop;
  if crossed is not null then
    perform quota.enforce(crossed);
  end if;
  if others is not null then
    perform quota.look_again(others);
  end if;
end $$;
comment on function quota.recount_quotas(uuid[], text[]) is
  'Sums the quotas of (user, service) pairs anew from their facts, and enforces them. The caller holds '
  'subscriptions and assistants.';
