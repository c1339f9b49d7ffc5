create or replace function quota.stale_days(
  p_from date, p_to date, p_by_model boolean default false)
returns setof date
language sql stable
as $$
  select d::date from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') d
  where not exists (
      select 1 from quota.analytics_days a
      where a.day = d::date and a.rolled_at is not null and (a.by_model or not p_by_model))
    or exists (select 1 from quota.analytics_changes c where c.day = d::date)
$$;
comment on function quota.stale_days(date, date, boolean) is
  'The days that usage_analytics does not hold as they are, or does not tell models apart of.';
