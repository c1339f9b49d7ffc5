-- The earlier version knows one alert per threshold and period: the last of each stays.
delete from quota.usage_alerts a using quota.usage_alerts later
where later.user_id = a.user_id and later.meter = a.meter and later.period_start = a.period_start
  and later.threshold = a.threshold
  and (later.ended_at is null, later.crossed_at, later.id) > (a.ended_at is null, a.crossed_at, a.id);
alter table quota.alert_deliveries drop constraint alert_deliveries_user_id_id_fkey;
alter table quota.usage_alerts
  drop constraint usage_alerts_pkey, add primary key (user_id, meter, period_start, threshold);
drop index quota.usage_alerts_standing, quota.usage_alerts_period;
update quota.alert_deliveries set status = 'expired' where status in ('withdrawn', 'past');
alter table quota.alert_deliveries
  alter column id set default gen_random_uuid(),
  drop constraint alert_deliveries_pkey,
  drop constraint alert_deliveries_status_check,
  add constraint alert_deliveries_status_check check (status in ('pending', 'failed', 'delivered', 'expired')),
  add primary key (user_id, meter, period_start, threshold),
  add foreign key (user_id, meter, period_start, threshold) references quota.usage_alerts on delete cascade;
comment on column quota.alert_deliveries.id is 'Sent along: a receiver that saw it before can drop a repetition.';
comment on column quota.alert_deliveries.status is 'expired: older than anybody wants to hear of when it could have been delivered.';
comment on column quota.usage_alerts.crossed_at is null;
alter table quota.usage_alerts
  drop column id, drop column allowance, drop column cost_limit, drop column ended_at;
alter table quota.usage_quotas drop column alerted, drop column lowered_at;
