create or replace function quota.mirror_quotas() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refresh_mirrors(array[new.user_id], m.service) from quota.meters m where m.key = new.meter;
  return null;
end $$;

-- What a call adds is mirrored once per statement, where the rows of the app are taken over.
create or replace trigger usage_quotas_mirrored
  after update of limit_quantity, cost_limit, granted, adjusted, closed_at, superseded, exhausted_at
  on quota.usage_quotas
  for each row
  when ((old.limit_quantity, old.cost_limit, old.granted, old.adjusted, old.closed_at, old.superseded,
      old.exhausted_at)
    is distinct from (new.limit_quantity, new.cost_limit, new.granted, new.adjusted, new.closed_at,
      new.superseded, new.exhausted_at)
    and quota.keeps_mirrors())
  execute function quota.mirror_quotas();

create or replace function quota.mirror_opened() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refresh_mirrors(array_agg(distinct n.user_id), m.service)
  from new_rows n join quota.meters m on m.key = n.meter
  group by m.service;
  return null;
end $$;

create or replace trigger usage_quotas_mirrored_new after insert on quota.usage_quotas
  referencing new table as new_rows
  for each statement when (quota.keeps_mirrors()) execute function quota.mirror_opened();

create or replace function quota.mirror_subscriptions() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refresh_mirrors(array[new.user_id], new.service);
  return null;
end $$;

create or replace trigger subscriptions_mirrored after update of limit_enforced_at, plan, last_reset_at
  on quota.subscriptions
  for each row
  when ((old.limit_enforced_at, old.plan, old.last_reset_at)
      is distinct from (new.limit_enforced_at, new.plan, new.last_reset_at) and quota.keeps_mirrors())
  execute function quota.mirror_subscriptions();
