create or replace function quota.counting_terms() returns bigint
language sql stable
as $$
  select hashtextextended(concat_ws(' ',
    (select c.sha256 from quota.schema_core c),
    (select string_agg(m::text, ' ' order by m.key) from quota.meters m),
    (select string_agg(f::text, ' ' order by f.meter, f.until) from quota.former_meters f),
    (select string_agg(l.plan || ' ' || l.meter, ' ' order by l.plan, l.meter) from quota.plan_limits l)), 0)
$$;
comment on function quota.counting_terms() is
  'A digest of all that decides what a call counts, beside the call and its quota: functions, meters, and '
  'the meters of plans.';
