create or replace function quota.set_plan(
  p_user text, p_plan text, p_reason text, p_actor text default null, out service text, out plan_before text,
  out plan text, out changed boolean, out audit_id bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  former_actor text := quota.begin_act(p_reason, p_actor);
  owner uuid := quota.resolve_user(p_user);
  customs jsonb;
begin
  select p.service, p.key into service, plan from quota.plans p where p.key = p_plan;
  if not found then
    raise exception 'unknown plan "%"', quota.shown(p_plan) using errcode = 'QT002';
  end if;
  perform quota.hold_subscriptions(array[owner], array[service]);
  select s.plan into plan_before from quota.subscriptions s
  where s.user_id = owner and s.service = set_plan.service;
  -- As from the terminal: custom limits that are not named go.
  with gone as (
    delete from quota.limit_overrides o where o.user_id = owner and o.plan = p_plan
    returning o.meter, o.limit_quantity, o.cost_limit)
  select jsonb_agg(jsonb_build_object('meter', g.meter, 'limit', g.limit_quantity::text, 'costLimit',
    g.cost_limit::text)) into customs from gone g;
  changed := plan_before is distinct from plan or customs is not null;
  if changed then
    audit_id := quota.change_plan(array[owner], p_plan, p_reason, null,
      jsonb_build_object('customLimits', coalesce(customs, '[]')),
      jsonb_build_object('customLimits', '[]'::jsonb));
  end if;
  perform set_config('quota.actor', former_actor, true);
end $$;
comment on function quota.set_plan(text, text, text, text) is
  'Puts a user on a plan, from the back office of an app: its limits hold at once, what is used stays, a '
  'limit on assistants that it lifts is lifted. Audited with the reason and who acted; changed false: it is '
  'so already.';
