alter table quota.call_logs drop column quantities;
alter table quota.plans drop column features;
drop table quota.former_meters;
alter table quota.meters drop constraint meters_unit, drop column rounding, drop column credit_seconds, drop column patterns,
  drop column measure, drop column changed_at;
alter table quota.meters add constraint meters_unit_check check (unit in ('second', 'message'));
comment on column quota.meters.models is 'When set, the meter counts only calls of these models.';
comment on column quota.plan_limits.unit_price is 'Money per minute (meters in seconds) or per message; prices calls that carry no cost.';
