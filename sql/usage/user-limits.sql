create or replace view quota.user_limits with (security_invoker = true) as
select s.user_id, s.service, s.plan, s.anchor_local, s.timezone, s.last_reset_at, l.meter,
  coalesce(o.limit_quantity, l.limit_quantity) as limit_quantity,
  coalesce(o.cost_limit, l.cost_limit) as cost_limit,
  l.unit_price, l.reset_every, l.reset_anchor, l.boundary, l.warn_at, l.on_exceeded
from quota.subscriptions s
join quota.plan_limits l on l.plan = s.plan
left join quota.limit_overrides o on o.user_id = s.user_id and o.plan = s.plan and o.meter = l.meter;
comment on view quota.user_limits is
  'The limits of each user''s plans, with the custom ones in place of the plan''s.';
