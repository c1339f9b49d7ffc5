-- An alert is one of a threshold, a period and an allowance, and stands for as long as it is true.
alter table quota.usage_alerts
  add column id uuid not null default gen_random_uuid(),
  add column allowance numeric,
  add column cost_limit numeric,
  add column ended_at timestamptz;
comment on column quota.usage_alerts.id is 'Sent along: a receiver that saw it before can drop a repetition.';
comment on column quota.usage_alerts.allowance is 'The limit and the grants that it was raised under; null: no limit.';
comment on column quota.usage_alerts.crossed_at is 'When the call ended that crossed the threshold, or the allowance became what it is.';
comment on column quota.usage_alerts.ended_at is 'Since when it is not so any more, or was so of a smaller allowance; null: it stands.';
update quota.usage_alerts a set id = d.id
from quota.alert_deliveries d
where d.user_id = a.user_id and d.meter = a.meter and d.period_start = a.period_start and d.threshold = a.threshold;

alter table quota.alert_deliveries
  drop constraint alert_deliveries_user_id_meter_period_start_threshold_fkey,
  drop constraint alert_deliveries_pkey,
  drop constraint alert_deliveries_status_check,
  add constraint alert_deliveries_status_check
    check (status in ('pending', 'failed', 'delivered', 'expired', 'withdrawn', 'past')),
  add primary key (user_id, id),
  alter column id drop default;
comment on column quota.alert_deliveries.id is 'That of the alert.';
comment on column quota.alert_deliveries.status is
  'expired: older than anybody wants to hear of when it could have been delivered; withdrawn: it was not so any more; past: of usage that was told long after.';
alter table quota.usage_alerts drop constraint usage_alerts_pkey, add primary key (user_id, id);
create unique index usage_alerts_standing on quota.usage_alerts (user_id, meter, period_start, threshold)
  where ended_at is null;
create index usage_alerts_period on quota.usage_alerts (user_id, meter, period_start);
alter table quota.alert_deliveries
  add foreign key (user_id, id) references quota.usage_alerts on delete cascade;

alter table quota.usage_quotas
  add column alerted integer default 0,
  add column lowered_at timestamptz;
comment on column quota.usage_quotas.alerted is
  'The highest threshold whose alert stands, 0: none does; null: to be looked at, for the allowance was raised.';
comment on column quota.usage_quotas.lowered_at is
  'When the allowance became less than it was: what is over it since then was not crossed before.';

update quota.usage_alerts a
set allowance = q.limit_quantity + q.granted, cost_limit = q.cost_limit,
  ended_at = case
    when q.closed_at is null and not q.superseded and not coalesce(
      round(greatest(
        case when q.limit_quantity + q.granted = 0 then 100 else 100 * q.used / (q.limit_quantity + q.granted) end,
        case when q.cost_limit = 0 then 100 else 100 * q.cost / q.cost_limit end), 2) >= a.threshold
      and (a.threshold < 100 or q.exhausted_at is not null) and a.threshold = any (q.warn_at), false)
    then quota.now() end
from quota.usage_quotas q
where q.user_id = a.user_id and q.meter = a.meter and q.period_start = a.period_start;
update quota.alert_deliveries d set status = 'withdrawn', settled_at = a.ended_at
from quota.usage_alerts a
where a.user_id = d.user_id and a.id = d.id and a.ended_at is not null and d.status in ('pending', 'failed');
update quota.usage_quotas q set alerted = a.threshold
from (
  select user_id, meter, period_start, max(threshold) as threshold from quota.usage_alerts
  where ended_at is null group by user_id, meter, period_start) a
where q.user_id = a.user_id and q.meter = a.meter and q.period_start = a.period_start;
