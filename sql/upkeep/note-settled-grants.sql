create or replace function quota.note_settled_grants(batch_size integer, only_user uuid default null)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  meters text[];
  services text[];
  noted integer;
begin
  perform quota.refuse_other_users(array[only_user]);
  select array_agg(p.user_id), array_agg(p.meter), array_agg(p.service) into users, meters, services
  from (
    select distinct q.user_id, q.meter, m.service
    from quota.grants g
    join quota.usage_quotas q on q.user_id = g.user_id and q.meter = g.meter
      and quota.contains(q, quota.now()) and not q.superseded
    join quota.meters m on m.key = q.meter
    where least(g.expires_at, g.revoked_at) <= quota.now() and not quota.is_settled(g, quota.now())
      and (only_user is null or g.user_id = only_user)
    order by 1, 2
    limit batch_size
  ) p;
  if users is null then
    return 0;
  end if;
  perform quota.hold_subscriptions(users, services);
  update quota.grants g set settled_at = quota.now()
  from quota.granted_of(users, meters) l
  join quota.usage_quotas q on q.user_id = l.user_id and q.meter = l.meter
    and quota.contains(q, quota.now()) and not q.superseded and q.granted = l.granted
  where g.user_id = l.user_id and g.meter = l.meter
    and least(g.expires_at, g.revoked_at) <= quota.now() and not quota.is_settled(g, quota.now());
  get diagnostics noted = row_count;
  return noted;
end $$;
comment on function quota.note_settled_grants(integer, uuid) is
  'Notes of grants that ended, of up to batch_size users'' meters, that the running quota counts nothing of '
  'them any more, where that is so; returns how many.';
