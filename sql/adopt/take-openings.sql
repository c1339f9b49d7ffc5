create or replace function quota.take_openings(
  p_meter text, p_users text[], p_used numeric[], p_at timestamptz[], p_exhausted_at timestamptz[],
  p_ours numeric[])
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  counted_by text := (select m.service from quota.meters m where m.key = p_meter);
  users uuid[];
  taken integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  perform set_config('quota.backfill', 'on', true);
  perform quota.add_user(n.name)
  from (select distinct n.name from unnest(p_users) n(name) where n.name <> '' order by n.name) n
  where not exists (select from quota.users u where u.external_id = n.name)
    and not quota.was_erased(n.name);
  users := array(
    select distinct u.id from unnest(p_users) n(name) join quota.users u on u.external_id = n.name
    where u.erased_at is null);
  perform quota.open_running(users, array_fill(counted_by, array[cardinality(users)]));
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason, created_at)
  select q.user_id, q.meter, q.period_start, 'opening', o.used - o.ours,
    'counted by the app, and told by no row of it',
    least(coalesce(o.exhausted_at, quota.now()), quota.now())
  from unnest(p_users, p_used, p_at, p_exhausted_at, p_ours) o(name, used, at, exhausted_at, ours)
  join quota.users u on u.external_id = o.name
  join quota.usage_quotas q on q.user_id = u.id and q.meter = p_meter
    and quota.contains(q, coalesce(o.at, quota.now())) and not q.superseded
  where o.used <> o.ours
  order by q.user_id, q.period_start;
  get diagnostics taken = row_count;
  -- Used up since the app saw it so, and not since the call that would have been the one.
  update quota.usage_quotas q set exhausted_at = o.exhausted_at
  from unnest(p_users, p_at, p_exhausted_at) o(name, at, exhausted_at)
  join quota.users u on u.external_id = o.name
  where q.user_id = u.id and q.meter = p_meter and quota.contains(q, coalesce(o.at, quota.now()))
    and not q.superseded and q.exhausted_at <> o.exhausted_at;
  return taken;
end $$;
comment on function quota.take_openings(text, text[], numeric[], timestamptz[], timestamptz[], numeric[]) is
  'Takes over what an app has counted on a meter and no row of it tells of, as opening balances: '
  'adjustments, dated when the app saw it used up where it says so; how many. p_ours: what was counted here '
  'at the moment when its counter was read; what came since is counted on both sides.';
