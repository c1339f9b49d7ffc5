-- The tables of the core. Money and quantities are numeric, instants are timestamptz, durations are
-- seconds with milliseconds. Tables keyed by user_id carry it first in a key, so that they can be sharded.

create table quota.users (
  id uuid primary key default gen_random_uuid(),
  external_id text not null unique check (external_id <> ''),
  email text,
  name text,
  timezone text not null default 'UTC',
  created_at timestamptz not null default quota.now(),
  erased_at timestamptz
);
comment on column quota.users.created_at is 'Signup: the anchor of anniversary periods.';
create index users_email on quota.users (lower(email));

create table quota.meters (
  key text primary key,
  service text not null,
  unit text not null check (unit in ('second', 'message')),
  models text[]
);
comment on column quota.meters.models is 'When set, the meter counts only calls of these models.';
create index meters_service on quota.meters (service);

create table quota.plans (
  key text primary key,
  service text not null,
  name text not null,
  version integer not null default 1,
  timezone text,
  max_assistants integer check (max_assistants >= 0),
  max_file_bytes bigint check (max_file_bytes >= 0),
  max_concurrent integer check (max_concurrent >= 0),
  max_session_seconds numeric(14,3) check (max_session_seconds > 0),
  allowed_models text[],
  is_default boolean not null default false,
  anonymous boolean not null default false,
  upgrade_to text,
  limited_state jsonb
);
comment on column quota.plans.timezone is 'Zone of every subscription of the plan; null: the zone of the user.';
comment on column quota.plans.limited_state is 'Fields put on a limited assistant; null: the configured default.';
create unique index plans_default on quota.plans (service) where is_default;

create table quota.plan_limits (
  plan text not null references quota.plans,
  meter text not null references quota.meters,
  limit_quantity numeric(20,3) check (limit_quantity >= 0),
  cost_limit numeric(20,6) check (cost_limit >= 0),
  unit_price numeric(20,10) check (unit_price >= 0),
  reset_every interval,
  reset_anchor text not null default 'signup' check (reset_anchor in ('signup', 'calendar')),
  boundary text not null default 'midnight' check (boundary in ('midnight', 'instant')),
  warn_at integer[] not null default '{80,90,100}',
  on_exceeded text not null default 'block' check (on_exceeded in ('block', 'static_fallback', 'limit_assistants')),
  primary key (plan, meter)
);
comment on column quota.plan_limits.limit_quantity is 'In the unit of the meter; null: not limited by quantity.';
comment on column quota.plan_limits.unit_price is 'Money per minute (meters in seconds) or per message; prices calls that carry no cost.';
comment on column quota.plan_limits.reset_every is 'Length of a period; null: a lifetime quota.';

create table quota.subscriptions (
  user_id uuid not null references quota.users,
  service text not null,
  plan text not null references quota.plans,
  anchor_local timestamp not null,
  timezone text not null,
  next_reset_at timestamptz,
  last_reset_at timestamptz,
  limit_enforced_at timestamptz,
  created_at timestamptz not null default quota.now(),
  primary key (user_id, service)
);
comment on column quota.subscriptions.next_reset_at is 'End of the oldest period that no reset has closed; null: never resets.';
comment on column quota.subscriptions.last_reset_at is
  'When the last reset was: whatever had ended by then is closed, and is not reset again. Null: no reset yet.';
comment on column quota.subscriptions.limit_enforced_at is 'Since when the assistants are limited (or queued to be); null: they are not.';
create index subscriptions_due on quota.subscriptions (plan, next_reset_at, user_id);

create table quota.limit_overrides (
  user_id uuid not null references quota.users,
  plan text not null references quota.plans,
  meter text not null references quota.meters,
  limit_quantity numeric(20,3) check (limit_quantity >= 0),
  cost_limit numeric(20,6) check (cost_limit >= 0),
  reason text,
  actor text not null default quota.actor(),
  created_at timestamptz not null default quota.now(),
  primary key (user_id, plan, meter)
);
comment on table quota.limit_overrides is 'Custom limits: what a user has in place of the plan''s, for as long as the user is on that plan.';
comment on column quota.limit_overrides.limit_quantity is 'In place of the plan''s; null: as the plan says.';

create table quota.call_logs (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  service text not null,
  provider text,
  provider_call_id text,
  assistant_id text,
  model text,
  status text not null default 'completed' check (status in ('active', 'completed', 'error')),
  started_at timestamptz not null,
  ended_at timestamptz,
  duration_seconds numeric(14,3),
  messages integer check (messages >= 0),
  words_spoken integer check (words_spoken >= 0),
  file_size_bytes bigint check (file_size_bytes >= 0),
  cost numeric check (cost >= 0 and cost < 1e9),
  error_message text,
  metadata jsonb,
  import_key text,
  constraint call_logs_duration check (duration_seconds >= 0 and duration_seconds <= 604800),
  constraint call_logs_started check (started_at >= '2000-01-01 00:00+00' and started_at < '2200-01-01 00:00+00'),
  constraint call_logs_ended check (ended_at >= started_at)
);
comment on table quota.call_logs is
  'One metered call to a provider. user_id is checked by set-based triggers, not by a foreign key (a row loop in bulk loads).';
comment on column quota.call_logs.cost is 'Exactly as logged, its scale included: sums print as a bill would.';
comment on column quota.call_logs.assistant_id is 'The assistant or avatar as the provider names it (assistants.provider_assistant_id).';
comment on column quota.call_logs.import_key is 'Content and occurrence of an imported row that has no provider_call_id: makes imports repeatable.';
create unique index call_logs_provider_call on quota.call_logs (provider, provider_call_id) where provider_call_id is not null;
create unique index call_logs_import_key on quota.call_logs (import_key) where import_key is not null;
create index call_logs_user on quota.call_logs (user_id, started_at);
create index call_logs_started on quota.call_logs (started_at);

create table quota.usage_quotas (
  user_id uuid not null,
  meter text not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  limit_quantity numeric(20,3),
  cost_limit numeric(20,6),
  unit_price numeric(20,10),
  warn_at integer[] not null default '{}',
  on_exceeded text not null default 'block',
  used numeric(20,3) not null default 0,
  adjusted numeric(20,3) not null default 0,
  granted numeric(20,3) not null default 0,
  granted_used numeric(20,3),
  cost numeric not null default 0,
  calls integer not null default 0,
  exhausted_at timestamptz,
  closed_at timestamptz,
  used_at_close numeric(20,3),
  superseded boolean not null default false,
  primary key (user_id, meter, period_start),
  check (period_start < period_end)
);
comment on table quota.usage_quotas is
  'What one user used of one meter in one period, with the terms under which the period was opened. Kept by triggers only, from subscriptions, which name users that exist: a foreign key of its own would cost a reset a third of its time.';
comment on column quota.usage_quotas.used is 'Sum of the call logs of the period plus its adjustments.';
comment on column quota.usage_quotas.adjusted is 'The adjustments'' part of used.';
comment on column quota.usage_quotas.superseded is
  'The period of a former plan or anchor: it goes on counting its calls and never limits anybody.';
comment on column quota.usage_quotas.granted is 'Extra allowance beside limit_quantity, from grants.';
comment on column quota.usage_quotas.granted_used is 'What a closed period took of the grants; null until that is booked.';

create table quota.adjustments (
  id bigint generated always as identity,
  user_id uuid not null,
  meter text not null,
  period_start timestamptz not null,
  kind text not null,
  quantity numeric(20,3) not null,
  cost numeric not null default 0,
  reason text not null check (reason <> ''),
  actor text not null default quota.actor(),
  created_at timestamptz not null default quota.now(),
  primary key (user_id, id),
  foreign key (user_id, meter, period_start) references quota.usage_quotas
);

create table quota.grants (
  id bigint generated always as identity,
  user_id uuid not null references quota.users,
  meter text not null references quota.meters,
  quantity numeric(20,3) not null check (quantity > 0),
  consumed numeric(20,3) not null default 0 check (consumed >= 0 and consumed <= quantity),
  expires_at timestamptz,
  kind text not null default 'grant',
  reason text not null check (reason <> ''),
  actor text not null default quota.actor(),
  created_at timestamptz not null default quota.now(),
  primary key (user_id, id)
);

create table quota.usage_alerts (
  user_id uuid not null,
  meter text not null,
  period_start timestamptz not null,
  threshold integer not null,
  level text not null check (level in ('warning', 'critical', 'exceeded')),
  percent numeric(10,2) not null,
  crossed_at timestamptz not null,
  acknowledged_at timestamptz,
  primary key (user_id, meter, period_start, threshold),
  foreign key (user_id, meter, period_start) references quota.usage_quotas
);

create table quota.concurrent_processing (
  user_id uuid not null references quota.users,
  id uuid not null default gen_random_uuid(),
  service text not null,
  call_log_id bigint,
  reserved numeric(20,3) not null default 0 check (reserved >= 0),
  started_at timestamptz not null default quota.now(),
  expires_at timestamptz not null,
  primary key (user_id, id)
);
create index concurrent_processing_expires on quota.concurrent_processing (expires_at);

create table quota.assistants (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references quota.users,
  provider_assistant_id text not null unique check (provider_assistant_id <> ''),
  name text,
  state text not null default 'active' check (state in ('active', 'gone')),
  created_at timestamptz not null default quota.now()
);
create index assistants_user on quota.assistants (user_id);

create table quota.assistant_limits (
  assistant_id uuid primary key references quota.assistants,
  user_id uuid not null references quota.users,
  desired text not null check (desired in ('limited', 'original')),
  status text not null check (status in ('pending', 'applied', 'restored', 'failed', 'gone')),
  change bigint not null default 1,
  original jsonb,
  applied jsonb,
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  last_error text,
  requested_at timestamptz not null default quota.now(),
  applied_at timestamptz,
  restored_at timestamptz,
  updated_at timestamptz not null default quota.now()
);
comment on table quota.assistant_limits is 'The durable queue of provider work: desired against recorded state of each assistant.';
comment on column quota.assistant_limits.change is 'Counts the changes of desired; a worker records its result only for the change it worked on.';
create index assistant_limits_user on quota.assistant_limits (user_id);
create index assistant_limits_queue on quota.assistant_limits (next_attempt_at) where status in ('pending', 'failed');

create table quota.job_runs (
  id uuid primary key default gen_random_uuid(),
  job text not null,
  status text not null default 'running' check (status in ('running', 'completed', 'incomplete', 'failed', 'abandoned')),
  as_of timestamptz not null default quota.now(),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  counts jsonb not null default '{}',
  error text,
  actor text not null default quota.actor()
);
create index job_runs_recent on quota.job_runs (started_at desc);

create table quota.audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default quota.now(),
  recorded_at timestamptz not null default clock_timestamp(),
  actor text not null default quota.actor(),
  action text not null,
  user_id uuid,
  service text,
  subject text,
  reason text,
  before jsonb,
  after jsonb,
  run_id uuid,
  period_end timestamptz,
  xid xid8 not null default pg_current_xact_id()
);
comment on table quota.audit_log is 'Append-only: who changed what, when and why. period_end is set on resets only.';
create index audit_log_user on quota.audit_log (user_id, id);
create unique index audit_log_reset_once on quota.audit_log (user_id, service, period_end) where action = 'subscription.reset';

create table quota.usage_analytics (
  day date not null,
  service text not null,
  plan text not null,
  user_id uuid not null,
  calls integer not null,
  errors integer not null,
  seconds numeric(20,3) not null,
  messages bigint not null,
  cost numeric not null,
  primary key (user_id, day, service, plan)
);
create index usage_analytics_day on quota.usage_analytics (day, service);

-- The built-in meters and plans: the limits of the five products that this replaces.

insert into quota.meters (key, service, unit, models) values
  ('voice_seconds', 'voice', 'second', null),
  ('avatar_seconds', 'avatar', 'second', null),
  ('transcription_seconds', 'transcription', 'second', null),
  ('messages', 'chat', 'message', null),
  ('premium_messages', 'chat', 'message', array[
    'claude-3.5-sonnet', 'claude-3-haiku', 'claude-3-opus', 'claude-3.7-sonnet', 'claude-sonnet-4', 'claude-opus-4']);

insert into quota.plans
  (key, service, name, timezone, max_assistants, max_file_bytes, max_concurrent, max_session_seconds, allowed_models,
   is_default, anonymous, upgrade_to)
values
  ('voice-free', 'voice', 'Voice Free', null, 3, null, null, null, null, true, false, null),
  ('avatar-lifetime', 'avatar', 'Avatar 20 minutes', null, null, null, null, 1200, null, true, false, null),
  ('avatar-monthly', 'avatar', 'Avatar monthly', 'UTC', null, null, null, null, null, false, false, null),
  ('transcription-free', 'transcription', 'Transcription Free', null, null, 26214400, 1, null, null, true, false, 'transcription-starter'),
  ('transcription-starter', 'transcription', 'Transcription Starter', null, null, 104857600, 2, null, null, false, false, 'transcription-pro'),
  ('transcription-pro', 'transcription', 'Transcription Pro', null, null, 524288000, 5, null, null, false, false, 'transcription-enterprise'),
  ('transcription-enterprise', 'transcription', 'Transcription Enterprise', null, null, 1073741824, 10, null, null, false, false, null),
  ('chat-free', 'chat', 'Chat Free', 'UTC', null, null, null, null, null, true, false, null),
  ('chat-anonymous', 'chat', 'Chat without an account', 'UTC', null, null, null, null, array['gemini-2.0-flash'], false, true, 'chat-free');

insert into quota.plan_limits
  (plan, meter, limit_quantity, cost_limit, unit_price, reset_every, reset_anchor, boundary, warn_at, on_exceeded)
values
  ('voice-free', 'voice_seconds', 600, null, null, '1 month', 'signup', 'midnight', '{80,90,100}', 'limit_assistants'),
  ('avatar-lifetime', 'avatar_seconds', 1200, null, null, null, 'signup', 'midnight', '{80,90,100}', 'static_fallback'),
  ('avatar-monthly', 'avatar_seconds', 3600, 50, 0.50, '1 month', 'calendar', 'midnight', '{80}', 'static_fallback'),
  ('transcription-free', 'transcription_seconds', 1800, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('transcription-starter', 'transcription_seconds', 9000, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('transcription-pro', 'transcription_seconds', 30000, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('transcription-enterprise', 'transcription_seconds', 120000, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('chat-free', 'messages', 100, null, null, '1 month', 'calendar', 'midnight', '{80,90,100}', 'block'),
  ('chat-free', 'premium_messages', 20, null, null, '1 month', 'calendar', 'midnight', '{80,90,100}', 'block');
