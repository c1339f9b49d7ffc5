create or replace function quota.in_known_zones(claimed quota.subscriptions[]) returns quota.subscriptions[]
language sql stable
as $$
  select array(
    select c from unnest(claimed) c
    where c.timezone in (
      select z.timezone from (select distinct timezone
        from unnest(claimed)) z where quota.is_known_zone(z.timezone)))
$$;
comment on function quota.in_known_zones(quota.subscriptions[]) is
  'Those of the subscriptions whose time the server can reckon; the others are set apart.';
