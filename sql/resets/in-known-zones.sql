create or replace function quota.in_known_zones(claimed quota.subscriptions[]) returns quota.subscriptions[]
language sql stable
as $$
  select array(
    select c from unnest(claimed) c
    -- "offset 0": each zone is tried once; without, PostgreSQL tries that of every subscription.
    where c.timezone in (
      select z.timezone from (select distinct timezone from unnest(claimed) offset 0) z
      where quota.is_known_zone(z.timezone)))
$$;
comment on function quota.in_known_zones(quota.subscriptions[]) is
  'Those of the subscriptions whose time the server can reckon; the others are set apart.';
