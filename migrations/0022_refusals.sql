-- What was refused, counted: how often users were told no, by day, service, plan and reason.
create table quota.refusals (
  day date not null,
  service text not null,
  plan text not null,
  reason text not null,
  slot integer not null,
  refused bigint not null,
  primary key (day, service, plan, reason, slot)
);
comment on table quota.refusals is
  'Refusals (HTTP 429) per day (UTC), service, plan and reason, in slots, so that two that count do not wait for each other.';
