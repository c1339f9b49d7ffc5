drop table quota.assistant_originals;
drop index quota.assistant_limits_applied, quota.subscriptions_limited;
alter table quota.assistant_limits drop column claimed_by, drop column claimed_until, drop column verified_at,
  drop column intents, drop column exact_change;
