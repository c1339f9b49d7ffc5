import type { Knex } from 'knex';
import plans from './sql/0006_plans.sql';

/** Versions of plans, and how a changed plan reaches running periods. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('set local check_function_bodies = off');
  await knex.raw(plans.replaceAll('?', '\\?'));
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function quota.move_plan, quota.change_plan;
    drop function quota.limit_overrides_changed cascade;
    drop function quota.retake_plan_terms, quota.must_be_limited, quota.retake_terms, quota.open_running_periods;
    drop table quota.plan_versions;
    drop function quota.plan_definition, quota.interval_text`);
}
