create or replace function quota.in_known_zones(claimed quota.subscriptions[]) returns quota.subscriptions[]
language sql stable
as $$
  select case
    when unknown = '{}' then claimed
    else array(select c from unnest(claimed) c where c.timezone <> all (unknown))
  end
  -- "offset 0": each zone is tried once; without, PostgreSQL tries that of every subscription.
  from (
    select array(
      select z.timezone from (select distinct timezone from unnest(claimed) offset 0) z
      where not quota.is_known_zone(z.timezone))) z(unknown)
$$;
comment on function quota.in_known_zones(quota.subscriptions[]) is
  'Those of the subscriptions whose time the server can reckon; the others are set apart.';
