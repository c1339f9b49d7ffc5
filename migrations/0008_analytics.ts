import type { Knex } from 'knex';
import alerts from './sql/0008_alerts.sql';
import analytics from './sql/0008_analytics.sql';
import reports from './sql/0008_reports.sql';
import upkeep from './sql/0008_upkeep.sql';

/** The daily roll-up and its reports, what ends stuck sessions, and the delivery of alerts. */
export async function up(knex: Knex): Promise<void> {
  for (const sql of [analytics, reports, upkeep, alerts]) {
    await knex.raw(sql.replaceAll('?', '\\?'));
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger call_logs_mark_inserted on quota.call_logs;
    drop trigger call_logs_mark_updated on quota.call_logs;
    drop trigger call_logs_mark_deleted on quota.call_logs;
    drop trigger usage_alerts_queued on quota.usage_alerts;
    drop function quota.queue_alerts, quota.retry_alert, quota.claim_alerts, quota.purgeable_calls, quota.dead_runs,
      quota.reap_grants, quota.stale_grants, quota.reap_calls, quota.idle_calls,
      quota.reap_sessions, quota.forecast_quotas, quota.plan_utilization, quota.usage_by_day, quota.roll_up_day,
      quota.days_to_roll, quota.stale_days, quota.summarize_days, quota.mark_days, quota.day_of;
    drop table quota.alert_deliveries, quota.analytics_changes, quota.analytics_days;
    drop index quota.call_logs_details, quota.call_logs_active, quota.usage_quotas_granted;
    alter table quota.usage_analytics drop column premium_messages`);
}
