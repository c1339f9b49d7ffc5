create or replace function quota.alert_level(threshold integer, warn_at integer[]) returns text
language sql immutable parallel safe
as $$
  select case
    when threshold >= 100 then 'exceeded'
    when threshold = 0 then 'warning'
    when threshold = (select min(w) from unnest(warn_at) w) then 'warning'
    else 'critical'
  end
$$;
comment on function quota.alert_level(integer, integer[]) is
  'The first threshold below 100 % is a warning, any further one critical, 100 % exceeded; 0, '
  'the pace, is a warning.';
