-- The days of a report were added up from the rows of all users each time, which are 270,000 in a month of 100,000 users.
create table quota.analytics_totals (
  day date not null,
  service text not null,
  plan text not null,
  users integer not null,
  calls bigint not null,
  errors bigint not null,
  seconds numeric not null,
  messages bigint not null,
  premium_messages bigint not null,
  cost numeric not null,
  tokens numeric not null,
  bytes numeric not null,
  primary key (day, service, plan)
);
comment on table quota.analytics_totals is 'What usage_analytics has of a day, added up per service and plan; a day that is not here is added up when it is asked for.';
comment on column quota.analytics_totals.users is 'How many had a call.';

insert into quota.analytics_totals
select day, service, plan, count(*), sum(calls), sum(errors), sum(seconds), sum(messages), sum(premium_messages),
  sum(cost), sum(tokens), sum(bytes)
from quota.usage_analytics group by day, service, plan;
