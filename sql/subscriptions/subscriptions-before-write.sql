-- A subscription knows its anchor, its zone and its next reset; a quota row knows the terms of its period.

create or replace function quota.subscriptions_before_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
-- Looked up: a session that has made its plan while the history was small would read all of it for each row.
set enable_seqscan = off
as $$
declare
  told record;
begin
  -- One look at all that it takes: many are written at once, and to start a look costs more than to find.
  select p.service, p.timezone as plan_zone, u.timezone, u.created_at, (
      -- A subscription made anew remembers the resets of the one before it: no period is reset twice.
      select max(a.period_end) from quota.audit_log a
      where tg_op = 'INSERT' and new.last_reset_at is null
        and a.user_id = new.user_id and a.service = new.service and a.action = 'subscription.reset')
      as last_reset_at
  into told
  from quota.plans p left join quota.users u on u.id = new.user_id
  where p.key = new.plan;
  if told.service is distinct from new.service then
    raise exception 'plan "%" is not a plan of the service "%"', quota.shown(new.plan),
      quota.shown(new.service)
      using errcode = '23514';
  end if;
  if new.timezone is null or new.anchor_local is null then
    new.timezone := coalesce(new.timezone, told.plan_zone, told.timezone);
    new.anchor_local := coalesce(
      new.anchor_local, quota.moved_anchor(null, null, new.timezone, told.created_at),
        told.created_at at time zone 'UTC');
  end if;
  new.last_reset_at := coalesce(new.last_reset_at, told.last_reset_at);
  if new.next_reset_at is null
    or (tg_op = 'UPDATE' and (new.plan, new.anchor_local, new.timezone)
      is distinct from (old.plan, old.anchor_local, old.timezone))
  then
    new.next_reset_at := quota.next_reset(
      new.plan, new.anchor_local, new.timezone, greatest(quota.now(), new.last_reset_at));
    -- A reset that is due stays due: it has periods to close and limits to lift.
    if tg_op = 'UPDATE' and old.next_reset_at <= quota.now() and new.next_reset_at is not null then
      new.next_reset_at := old.next_reset_at;
    end if;
  end if;
  return new;
end $$;

-- Whoever makes up a history knows them: the owner alone can.
create or replace trigger subscriptions_before_write
  before insert or update of plan, anchor_local, timezone on quota.subscriptions
  for each row when (not coalesce(current_setting('quota.makes_history', true) = 'with periods'
    and has_schema_privilege(session_user, 'quota', 'create with grant option'), false))
  execute function quota.subscriptions_before_write();
