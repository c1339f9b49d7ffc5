-- What sessions tell while they run, and who told what a call came to: an estimate gives way to whoever knows better.
alter table quota.plans add column lease_seconds numeric(14,3)
  check (lease_seconds > 0 and lease_seconds <= 604800);
comment on column quota.plans.lease_seconds is
  'How long a session is taken to be alive after a sign of life; null: 90 s where seconds pass in real time, else 1 h.';

alter table quota.concurrent_processing
  add column cap numeric(20,3) check (cap >= 0),
  add column estimate numeric(20,3) check (estimate >= 0),
  add column progress numeric(20,3) check (progress >= 0),
  add column touched_at timestamptz;
comment on column quota.concurrent_processing.cap is 'What the session may use in all; null: no limit.';
comment on column quota.concurrent_processing.estimate is 'What the app asked for; null: whatever is left.';
comment on column quota.concurrent_processing.progress is 'What it has used, as its last sign of life told.';
update quota.concurrent_processing set cap = nullif(reserved, 0);
create index concurrent_processing_call on quota.concurrent_processing (user_id, call_log_id);

alter table quota.call_logs add column settled_by text
  constraint call_logs_settled_by check (settled_by in ('nobody', 'reservation', 'heartbeat', 'operator', 'bill'));
comment on column quota.call_logs.settled_by is
  'Who told what the call came to; null: its end, or it runs. nobody, reservation and heartbeat are estimates.';
-- What was reaped until now was an estimate, too. Nothing is counted by this.
alter table quota.call_logs disable trigger user;
update quota.call_logs
set settled_by = case error_message when 'session did not end' then 'reservation' else 'nobody' end
where status = 'error' and error_message in ('session did not end', 'call did not end');
alter table quota.call_logs enable trigger user;
create index call_logs_estimates on quota.call_logs (user_id)
  where settled_by in ('nobody', 'reservation', 'heartbeat');
