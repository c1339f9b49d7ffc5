create or replace function quota.take_plans(p_users quota.adopted_user[]) returns void
language plpgsql
as $$
declare
  unknown text;
  moved record;
  added integer;
begin
  select k into unknown
  from unnest(p_users) u cross join lateral unnest(u.plans) k
  where u.is_there and k is not null and not exists (select from quota.plans p where p.key = k)
  limit 1;
  if found then
    raise exception 'there is no plan "%"', quota.shown(unknown) using errcode = 'QT002';
  end if;
  insert into quota.subscriptions (user_id, service, plan)
  select distinct on (o.id, p.service) o.id, p.service, p.key
  from unnest(p_users) u
  cross join lateral unnest(u.plans) k
  join quota.plans p on p.key = k
  join quota.users o on o.external_id = u.user_name and o.erased_at is null
  where u.is_there
    and not exists (select from quota.subscriptions s where s.user_id = o.id and s.service = p.service)
  order by o.id, p.service, p.key
  on conflict do nothing;
  get diagnostics added = row_count;
  -- Those who came with a plan each, as nearly all of a backfill, are on it.
  if added = (
    select count(*) from unnest(p_users) u cross join lateral unnest(u.plans) k where u.is_there)
  then
    return;
  end if;
  for moved in
    select p.key, array_agg(distinct o.id) as users
    from unnest(p_users) u
    cross join lateral unnest(u.plans) k
    join quota.plans p on p.key = k
    join quota.users o on o.external_id = u.user_name and o.erased_at is null
    join quota.subscriptions s on s.user_id = o.id and s.service = p.service and s.plan <> p.key
    where u.is_there
    group by p.key order by p.key
  loop
    perform quota.change_plan(moved.users, moved.key, 'the app says so');
  end loop;
end $$;
comment on function quota.take_plans(quota.adopted_user[]) is
  'Puts users on the plans that rows of an adopted product name. QT002: there is no such plan.';
