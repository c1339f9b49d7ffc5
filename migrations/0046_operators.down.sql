alter table quota.grants drop column settled_at;
drop index quota.usage_quotas_limiting;
alter table quota.analytics_days drop column by_model;

alter table quota.usage_analytics drop constraint usage_analytics_pkey;
create temporary table of_models on commit drop as
select day, service, plan, user_id, sum(calls)::integer as calls, sum(errors)::integer as errors, sum(seconds) as seconds,
  sum(messages)::bigint as messages, sum(cost) as cost, sum(premium_messages)::bigint as premium_messages,
  sum(tokens) as tokens, sum(bytes) as bytes
from quota.usage_analytics group by day, service, plan, user_id having count(*) > 1;
delete from quota.usage_analytics a using of_models m
where (a.user_id, a.day, a.service, a.plan) = (m.user_id, m.day, m.service, m.plan);
insert into quota.usage_analytics
  (day, service, plan, user_id, calls, errors, seconds, messages, cost, premium_messages, tokens, bytes)
select * from of_models;
alter table quota.usage_analytics drop column model;
alter table quota.usage_analytics add primary key (user_id, day, service, plan);

delete from quota.analytics_totals;
alter table quota.analytics_totals drop column model;
alter table quota.analytics_totals add primary key (day, service, plan);
insert into quota.analytics_totals
  (day, service, plan, users, calls, errors, seconds, messages, premium_messages, cost, tokens, bytes)
select day, service, plan, count(*), sum(calls), sum(errors), sum(seconds), sum(messages), sum(premium_messages),
  sum(cost), sum(tokens), sum(bytes)
from quota.usage_analytics group by day, service, plan;
