create or replace function quota.refresh_quotas(
  users uuid[], services text[] default null, new_terms boolean default true)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  at_once constant integer := 50;
  due_users uuid[];
  due_services text[];
  due_ends timestamptz[];
begin
  perform quota.hold_subscriptions(users, services);
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into users, services
  from quota.subscriptions s
  where s.user_id = any (users)
    and (services is null or (s.user_id, s.service) in (select * from unnest(users, services)));
  if users is null then
    return;
  end if;

  if new_terms then
    perform quota.fit_periods(users, services);
  end if;
  -- Some at a time, as they are counted.
  for n in 1 .. cardinality(users) by at_once loop
    perform quota.open_periods(array(
      select (c.user_id, m.key, min(c.started_at), max(c.started_at))::quota.usage_span
      from unnest(users[n:n + at_once - 1], services[n:n + at_once - 1]) u(user_id, service)
      join quota.call_logs c on c.user_id = u.user_id and c.service = u.service
      join quota.meter_terms m on m.service = c.service and quota.counts_model(m.models, m.patterns, c.model)
      group by c.user_id, m.key));
  end loop;
  select array_agg(q.user_id), array_agg(m.service), array_agg(q.period_end)
  into due_users, due_services, due_ends
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.usage_quotas q on q.user_id = u.user_id and q.meter = m.key
  where q.closed_at is null and q.period_end <= quota.now();
  if due_users is not null then
    perform quota.make_due(due_users, due_services, due_ends);
  end if;
  if new_terms then
    perform quota.take_terms(users, services);
    perform quota.take_terms_ahead(users);
  end if;

  perform quota.hold_assistants(users);
  perform quota.recount_quotas(users, services);
  perform quota.keep_resets(users, services);
  perform quota.settle_if_granted(users, services);
  perform quota.lift_spent_limits(users, services);
end $$;
comment on function quota.refresh_quotas(uuid[], text[], boolean) is
  'Brings the quotas of (user, service) pairs, or of all services of users, in line with their subscriptions '
  'and their facts: after a new subscription, plan, anchor or zone. Without new_terms running periods keep '
  'theirs, and only what is missing is opened and counted.';
