-- Where use belongs in time: whether the seconds of a meter pass while they are used, and which plan a user had when.
alter table quota.meters add column is_live boolean not null default false;
comment on column quota.meters.is_live is
  'Its seconds pass in real time, as those of a call do: what is recorded without a start began that long ago.';
update quota.meters set is_live = true where unit = 'second' and service in ('voice', 'avatar');

create table quota.former_plans (
  user_id uuid not null,
  service text not null,
  until timestamptz not null,
  plan text not null references quota.plans,
  primary key (user_id, service, until)
);
comment on table quota.former_plans is
  'Which plan a user was on until when, kept by a trigger on subscriptions: a period that is opened late has its terms.';
insert into quota.former_plans (user_id, service, until, plan)
select a.user_id, a.service, a.at, a.before->>'plan'
from quota.audit_log a
where a.action = 'plan.changed' and a.before->>'plan' <> a.after->>'plan'
  and exists (select from quota.plans p where p.key = a.before->>'plan')
on conflict do nothing;
