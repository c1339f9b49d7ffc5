-- Tokens and bytes per day, as calls told them. Days that were rolled up before and have any are rolled up anew.
alter table quota.usage_analytics
  add column tokens numeric not null default 0,
  add column bytes numeric not null default 0;
comment on column quota.usage_analytics.tokens is 'As calls told them, whether they came to an end or not.';
comment on column quota.usage_analytics.bytes is 'Told as such, else of the files.';
update quota.analytics_days d set rolled_at = null
where d.rolled_at is not null and exists (
  select from quota.call_logs l
  where l.started_at >= d.day::timestamp at time zone 'UTC'
    and l.started_at < (d.day + 1)::timestamp at time zone 'UTC'
    and (l.file_size_bytes is not null or l.quantities is not null));
