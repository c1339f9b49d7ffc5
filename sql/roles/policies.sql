-- Lets a login role bound to a user see that user's rows only, in every table that has a user; the owner and
-- unbound roles see all. A policy switches the row level security of its table on.

create policy one_user on quota.adjustments
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.alert_deliveries
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
-- Of all users together: nothing that somebody who sees one of them could be shown a part of.
create policy one_user on quota.analytics_totals
  using ((select quota.bound_user()) is null);
create policy one_user on quota.arriving_rows
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.arriving_users
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.assistant_limits
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.assistant_originals
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.assistants
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.audit_log
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.audit_personal
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.audit_reasons
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.cache_outbox
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.call_logs
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.concurrent_processing
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.discrepancies
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.examined_users
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.former_plans
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.grants
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.limit_overrides
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.logins
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.moved_users
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.subscriptions
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.usage_alerts
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.usage_analytics
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.usage_quotas
  using ((select quota.bound_user()) is null or user_id = (select quota.bound_user()));
create policy one_user on quota.users
  using ((select quota.bound_user()) is null or id = (select quota.bound_user()));
