-- A report by model read the calls of its month; a day and user have more than one model in three of a hundred rows.
alter table quota.usage_analytics add column model text not null default '';
alter table quota.usage_analytics drop constraint usage_analytics_pkey;
alter table quota.usage_analytics add primary key (user_id, day, service, plan, model);
comment on column quota.usage_analytics.model is 'Which model the calls told; empty: none, or a day that was rolled up before models were told apart.';

alter table quota.analytics_totals add column model text not null default '';
alter table quota.analytics_totals drop constraint analytics_totals_pkey;
alter table quota.analytics_totals add primary key (day, service, plan, model);
comment on column quota.analytics_totals.model is 'As in usage_analytics.';

alter table quota.analytics_days add column by_model boolean not null default false;
comment on column quota.analytics_days.by_model is 'Whether its rows tell models apart; a day that is not so is rolled up anew.';

-- Whom to limit was found by reading every quota there ever was. Neither column changes when a call is counted.
create index usage_quotas_limiting on quota.usage_quotas (period_end) where on_exceeded = 'limit_assistants';

-- Which running quotas still count a grant that ended was worked out anew for every grant that did.
alter table quota.grants add column settled_at timestamptz;
comment on column quota.grants.settled_at is
  'When the running quota was last brought in line, if the grant had ended by then; null: it had not, or that is to be seen.';
