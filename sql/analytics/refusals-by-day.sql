create or replace function quota.refusals_by_day(p_from date, p_to date, p_service text default null)
returns table (day date, service text, plan text, reason text, refused bigint)
language sql stable
as $$
  select r.day, r.service, r.plan, r.reason, sum(r.refused)::bigint
  from quota.refusals r
  where r.day between p_from and p_to and (p_service is null or r.service = p_service)
  group by r.day, r.service, r.plan, r.reason
  order by r.day, r.service, r.plan, r.reason
$$;
comment on function quota.refusals_by_day(date, date, text) is
  'How often users were refused, per day (UTC), service, plan and reason, both days included.';
