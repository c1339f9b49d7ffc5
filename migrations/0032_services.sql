-- What an operator says of a service: limits that somebody is told of, and how long details are kept.
create table quota.service_settings (
  service text primary key,
  max_daily_cost numeric check (max_daily_cost > 0),
  max_error_percent numeric check (max_error_percent >= 0 and max_error_percent < 100),
  keep_details_days integer check (keep_details_days > 0),
  changed_at timestamptz not null default quota.now(),
  changed_by text not null default quota.actor(),
  check (service <> '' or keep_details_days is null)
);
comment on table quota.service_settings is 'What an operator says of a service; of the service '''': of all together.';
comment on column quota.service_settings.max_daily_cost is 'When the calls of a day (UTC) cost as much, the operator is told. Nobody is refused.';
comment on column quota.service_settings.max_error_percent is 'When more of the calls of a day end as errors, the operator is told.';
comment on column quota.service_settings.keep_details_days is
  'Of a service that finance does not reconcile: metadata and error messages of its calls are kept so long; null: until finance has closed their month.';

create table quota.operator_alerts (
  id uuid primary key default gen_random_uuid(),
  day date not null,
  service text not null,
  kind text not null check (kind in ('daily_cost', 'error_rate')),
  value numeric not null,
  limit_value numeric not null,
  calls bigint not null,
  raised_at timestamptz not null default quota.now(),
  acknowledged_at timestamptz,
  status text not null default 'pending' check (status in ('pending', 'failed', 'delivered', 'expired')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default quota.now(),
  target text,
  last_error text,
  settled_at timestamptz,
  unique (day, service, kind)
);
comment on table quota.operator_alerts is 'Limits of service_settings that a day went beyond: one alert per day, service and kind, and its delivery.';
comment on column quota.operator_alerts.value is 'When it was raised: the cost of the day, or errors in percent of its calls.';
create index operator_alerts_due on quota.operator_alerts (next_attempt_at) where status in ('pending', 'failed');
