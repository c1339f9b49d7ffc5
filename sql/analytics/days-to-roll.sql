create or replace function quota.days_to_roll() returns setof date
language sql stable
as $$
  select d::date
  from generate_series(
    coalesce(
      (select max(a.day) + 1 from quota.analytics_days a),
      (select quota.day_of(min(l.started_at)) from quota.call_logs l))::timestamp,
    (quota.day_of(quota.now()) - 1)::timestamp, interval '1 day') d
  union
  select a.day from quota.analytics_days a
  where (a.rolled_at is null or not a.by_model) and a.day < quota.day_of(quota.now())
  union
  select c.day from quota.analytics_changes c where c.day < quota.day_of(quota.now())
  order by 1
$$;
comment on function quota.days_to_roll() is
  'Days that are over and were never rolled up, or not by model, or whose calls have changed since.';
