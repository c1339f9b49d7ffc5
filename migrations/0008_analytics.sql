-- Alerts wait here until the webhook or the command of the settings took them. The primary key is "once per alert".

create table quota.alert_deliveries (
  user_id uuid not null,
  meter text not null,
  period_start timestamptz not null,
  threshold integer not null,
  id uuid not null unique default gen_random_uuid(),
  status text not null default 'pending' check (status in ('pending', 'failed', 'delivered', 'expired')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default quota.now(),
  last_error text,
  target text,
  settled_at timestamptz,
  primary key (user_id, meter, period_start, threshold),
  foreign key (user_id, meter, period_start, threshold) references quota.usage_alerts on delete cascade
);
comment on column quota.alert_deliveries.id is 'Sent along: a receiver that saw it before can drop a repetition.';
comment on column quota.alert_deliveries.status is 'expired: older than anybody wants to hear of when it could have been delivered.';
create index alert_deliveries_due on quota.alert_deliveries (next_attempt_at) where status in ('pending', 'failed');

insert into quota.alert_deliveries (user_id, meter, period_start, threshold, next_attempt_at)
select user_id, meter, period_start, threshold, crossed_at from quota.usage_alerts;

-- The daily roll-up: days are UTC, one row per user, service and plan. A day is rolled once it is over, and again when
-- its calls change later.

alter table quota.usage_analytics add column premium_messages bigint not null default 0;
comment on column quota.usage_analytics.premium_messages is 'The messages of models that a meter counts apart.';
comment on column quota.usage_analytics.plan is 'The plan at the first roll-up of the day.';

create table quota.analytics_days (
  day date primary key,
  horizon xid8,
  rolled_at timestamptz
);
comment on table quota.analytics_days is 'Days that are rolled up (rolled_at) or about to be: whoever changes one of their calls leaves a mark.';
comment on column quota.analytics_days.horizon is
  'Transactions from here on have seen that the day is claimed; it can be rolled up when all before have ended.';

create table quota.analytics_changes (
  day date not null,
  xid xid8 not null default pg_current_xact_id(),
  primary key (day, xid)
);
comment on table quota.analytics_changes is
  'Marks of past days whose calls a transaction changed. One row per transaction: writers never wait for each other, and a roll-up takes only the marks whose changes it sees.';
create index analytics_days_claimed on quota.analytics_days (day) where rolled_at is null;

-- What was left behind: sessions nobody ended, calls nobody closed, grants that expired in a running period.

create index call_logs_active on quota.call_logs (started_at) where status = 'active';
create index usage_quotas_granted on quota.usage_quotas (period_end) where granted > 0 and closed_at is null;

-- What purge looks through: the rest of the calls has nothing to purge.

create index call_logs_details on quota.call_logs (started_at) where metadata is not null or error_message is not null;
