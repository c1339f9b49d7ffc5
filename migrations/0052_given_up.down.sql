alter table quota.assistants drop column is_given_up;

alter table quota.analytics_totals add column users integer not null default 0;
comment on column quota.analytics_totals.users is 'How many had a call.';
update quota.analytics_totals t set users = u.users
from (
  select day, service, plan, model, count(*) as users from quota.usage_analytics group by day, service, plan, model) u
where (u.day, u.service, u.plan, u.model) = (t.day, t.service, t.plan, t.model);
alter table quota.analytics_totals alter column users drop default;
