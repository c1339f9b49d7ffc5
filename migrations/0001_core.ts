import type { Knex } from 'knex';
import facts from './sql/0001_facts.sql';
import grants from './sql/0001_grants.sql';
import periods from './sql/0001_periods.sql';
import plans from './sql/0001_plans.sql';
import resets from './sql/0001_resets.sql';
import subscriptions from './sql/0001_subscriptions.sql';
import tables from './sql/0001_tables.sql';
import usage from './sql/0001_usage.sql';

/** Tables, the period rule, usage triggers, resets and the built-in plans. */
export async function up(knex: Knex): Promise<void> {
  // Functions name each other across the files.
  await knex.raw('set local check_function_bodies = off');
  for (const sql of [tables, periods, subscriptions, usage, grants, facts, resets, plans]) {
    await knex.raw(sql.replaceAll('?', '\\?'));
  }
}

/** Removes everything of the core; the schema itself and the record of migrations stay. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table quota.usage_analytics, quota.audit_log, quota.job_runs, quota.assistant_limits, quota.assistants,
      quota.concurrent_processing, quota.usage_alerts, quota.grants, quota.adjustments, quota.call_logs,
      quota.limit_overrides, quota.subscriptions, quota.plan_limits, quota.plans, quota.meters, quota.users, quota.usage_quotas cascade`);
  await knex.raw('drop type quota.usage_delta, quota.reset_counts, quota.reset_position cascade');
  await knex.raw(`
    do $$
    declare
      f regprocedure;
    begin
      for f in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'quota'::regnamespace loop
        execute format('drop routine if exists %s cascade', f);
      end loop;
    end $$`);
}
