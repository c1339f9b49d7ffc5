create or replace function quota.hold_adopted(p_source integer, p_calls quota.adopted_call[]) returns void
language plpgsql
as $$
declare
  users uuid[];
  services text[];
begin
  select array_agg(o.user_id), array_agg(o.service) into users, services
  from (
    select u.id as user_id, c.service
    from unnest(p_calls) c join quota.users u on u.external_id = c.user_name
    union
    select g.user_id, g.service
    from unnest(p_calls) c
    join quota.adopt_links l on l.source = p_source and l.key = c.key
    join quota.call_logs g on g.id = l.call_log_id
  ) o;
  perform quota.hold_subscriptions(users, services);
end $$;
comment on function quota.hold_adopted(integer, quota.adopted_call[]) is
  'Locks whose usage rows of an adopted product change, former owners included, in the one order.';
